// Tips, sorting, filtering, tabs, and marks and rows that light up together. Without scripts the page shows everything.
(function () {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  const all = (selector, from) => Array.from((from || document).querySelectorAll(selector));

  // Theme: the system's, unless the reader chooses.
  const button = document.getElementById("theme");
  const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const name = () => { button.textContent = dark() ? "Light theme" : "Dark theme"; };
  button.hidden = false;
  button.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; name(); });
  name();

  // Tips.
  const tip = document.getElementById("tip");
  const place = (x, y) => {
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - box.width - 8)) + "px";
    tip.style.top = (y + 18 + box.height > innerHeight ? Math.max(4, y - box.height - 12) : y + 18) + "px";
  };
  const show = (target, x, y) => { tip.textContent = target.dataset.tip || target.getAttribute("aria-label"); tip.hidden = false; place(x, y); };
  const tipped = (event) => event.target.closest ? event.target.closest("[data-tip], .point") : null;
  document.addEventListener("mousemove", (event) => {
    const target = tipped(event);
    if (target) show(target, event.clientX, event.clientY); else tip.hidden = true;
  });
  document.addEventListener("focusin", (event) => {
    const target = tipped(event);
    if (!target || !target.matches(":focus-visible")) return;
    const box = target.getBoundingClientRect();
    show(target, box.left + box.width / 2, box.top + box.height / 2);
  });
  document.addEventListener("focusout", () => { tip.hidden = true; });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });

  // Marks and rows of the same thing.
  const byKey = new Map();
  all("[data-key]").forEach((element) => {
    const key = element.dataset.key;
    if (!byKey.has(key)) byKey.set(key, []);
    byKey.get(key).push(element);
  });
  let lit = [];
  const light = (key) => {
    lit.forEach((element) => element.classList.remove("lit"));
    lit = key ? byKey.get(key) || [] : [];
    lit.forEach((element) => element.classList.add("lit"));
  };
  const keyOf = (event) => { const found = event.target.closest && event.target.closest("[data-key]"); return found && found.dataset.key; };
  document.addEventListener("mouseover", (event) => light(keyOf(event)));
  document.addEventListener("focusin", (event) => light(keyOf(event)));

  // Sorting: numbers as numbers, empty cells last in both directions.
  const value = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.sort === undefined ? "" : cell.dataset.sort;
    return text === "" || text === "nan" ? null : cell.classList.contains("num") ? parseFloat(text) : text;
  };
  all("table.sortable").forEach((table) => {
    all("th button", table).forEach((heading, column) => heading.addEventListener("click", () => {
      const cell = heading.parentElement;
      const numeric = cell.classList.contains("num");
      const before = cell.getAttribute("aria-sort");
      const sign = (before === null ? numeric : before === "ascending") ? -1 : 1;
      all("th", table).forEach((other) => other.removeAttribute("aria-sort"));
      cell.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      const rows = Array.from(table.tBodies[0].rows).map((row, order) => ({ row, order, key: value(row, column) }));
      rows.sort((a, b) => {
        if (a.key === null || b.key === null) return (a.key === null) - (b.key === null) || a.order - b.order;
        return sign * (numeric ? a.key - b.key : a.key.localeCompare(b.key, "en", { numeric: true })) || a.order - b.order;
      });
      rows.forEach((entry) => table.tBodies[0].appendChild(entry.row));
    }));
  });

  // Filtering: every word must occur in the row.
  all("figure.filterable").forEach((figure) => {
    const rows = all("tbody tr", figure);
    const label = document.createElement("label");
    const input = document.createElement("input");
    const said = document.createElement("span");
    label.className = "filter";
    input.type = "search";
    said.setAttribute("role", "status");
    label.append("Show rows with ", input, said);
    figure.insertBefore(label, figure.querySelector(".scroll"));
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row) => {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        shown += !row.hidden;
      });
      said.textContent = words.length ? shown + " of " + rows.length : "";
    });
  });

  // Tabs: one button for each name, of which one is chosen; arrow keys move between them.
  const tablist = (names, chosen, label) => {
    const list = document.createElement("div");
    list.className = "tablist";
    list.setAttribute("role", "tablist");
    if (label) list.setAttribute("aria-label", label);
    const buttons = names.map((name) => {
      const tab = document.createElement("button");
      tab.type = "button";
      tab.textContent = name;
      tab.setAttribute("role", "tab");
      list.append(tab);
      return tab;
    });
    const choose = (index) => {
      buttons.forEach((tab, other) => {
        tab.setAttribute("aria-selected", other === index);
        tab.tabIndex = other === index ? 0 : -1;
      });
      chosen(index);
    };
    buttons.forEach((tab, index) => {
      tab.addEventListener("click", () => choose(index));
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const next = (index + step + buttons.length) % buttons.length;
        choose(next);
        buttons[next].focus();
      });
    });
    choose(0);
    return { list, buttons };
  };

  // The drawings of a group, one at a time.
  all(".tabs").forEach((group) => {
    const panels = all(".panel", group);
    if (panels.length < 2) return;
    const names = panels.map((panel) => panel.querySelector("figcaption").textContent);
    const made = tablist(names, (chosen) => panels.forEach((panel, index) => { panel.style.display = index === chosen ? "" : "none"; }));
    panels.forEach((panel, index) => {
      panel.id = group.dataset.tabs + "-" + index;
      panel.setAttribute("role", "tabpanel");
      made.buttons[index].setAttribute("aria-controls", panel.id);
    });
    group.prepend(made.list);
  });

  // The columns of a wide table, one group at a time beside those that are always there.
  all("figure.grouped").forEach((figure) => {
    const table = figure.querySelector("table");
    const made = tablist(figure.dataset.groups.split("|"), (chosen) => { table.dataset.show = chosen; }, "Columns");
    figure.insertBefore(made.list, figure.querySelector(".scroll"));
  });

  // The section that is being read.
  if ("IntersectionObserver" in window) {
    const links = new Map(all("nav a").map((link) => [link.hash.slice(1), link]));
    const observer = new IntersectionObserver((entries) => entries.forEach((entry) => {
      if (!entry.isIntersecting) return;
      links.forEach((link) => link.removeAttribute("aria-current"));
      const link = links.get(entry.target.id);
      if (link) link.setAttribute("aria-current", "true");
    }), { rootMargin: "-10% 0px -80% 0px" });
    all("main section").forEach((section) => observer.observe(section));
  }
})();
