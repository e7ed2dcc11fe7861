// Makes each table with data-sort sortable by its headings, and filters it by its search field and selects.
"use strict";
for (const table of document.querySelectorAll("table[data-sort]")) {
  const body = table.tBodies[0], rows = [...body.rows];
  const value = (row, n) => row.cells[n].dataset.value ?? row.cells[n].textContent.trim();
  const compare = (a, b) => (a !== "" && b !== "" && !isNaN(a) && !isNaN(b)) ? a - b : a.localeCompare(b);
  [...table.tHead.rows[0].cells].forEach((head, n) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      rows.sort((a, b) => compare(value(a, n), value(b, n)) * (down ? -1 : 1));
      body.append(...rows);
    });
  });
  const tools = document.querySelector(`[data-for="${table.id}"]`);
  if (!tools) continue;
  const search = tools.querySelector("input[type=search]"), selects = [...tools.querySelectorAll("select")];
  const shown = tools.querySelector("output");
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every(w => text.includes(w)) ||
        !selects.every(s => s.value === "" || row.dataset[s.name] === s.value);
      if (!row.hidden) n++;
    }
    shown.textContent = `${n} of ${rows.length}`;
  };
  search.addEventListener("input", filter);
  for (const s of selects) s.addEventListener("change", filter);
  // A bar of the plot leads to its row, which may be filtered out.
  addEventListener("hashchange", () => {
    const row = document.getElementById(location.hash.slice(1));
    if (row && row.hidden) {
      search.value = "";
      for (const s of selects) s.value = "";
      filter();
      row.scrollIntoView();
    }
  });
  filter();
}
