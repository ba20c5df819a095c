import pytest

from lucidna.errors import UserError
from lucidna.variants.fields import check_names, info_name


def test_names_are_letters_of_vcf():
    assert info_name("K562 ATAC-seq.1", "_sd") == "lucidna_K562_ATAC_seq_1_sd"


@pytest.mark.parametrize(("first", "second"), [("a.b", "a-b"), ("é", "è"), ("a", "a_sd")])
def test_tasks_with_a_field_in_common_are_refused(first, second):
    check_names([first, "other"])
    with pytest.raises(UserError, match=f"the tasks '{first}' and '{second}' would both .* field lucidna_"):
        check_names([first, "other", second])
