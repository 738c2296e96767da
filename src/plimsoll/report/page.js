"use strict";
(() => {
  const cards = JSON.parse(document.getElementById("cards").textContent);
  const panel = document.getElementById("card");

  // Text enters the page only as textContent, whatever a class or a column is called.
  const element = (name, words, className) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.textContent = words;
    return made;
  };

  const pair = ([name, value]) => {
    const row = document.createElement("div");
    row.append(element("dt", name), element("dd", value));
    return row;
  };

  const show = (id) => {
    const card = Object.hasOwn(cards, id) ? cards[id] : null;
    if (!card || !panel || panel.dataset.trial === id) return;
    const facts = element("dl", "", "facts");
    facts.append(...card.rows.map(pair));
    const words = [element("h3", card.recipe), element("p", card.note, "note"), element("p", card.why, "reason")];
    panel.replaceChildren(...words, facts, element("p", card.knobs, "knobs"));
    panel.className = `card ${card.hue}`;
    panel.dataset.trial = id;
    mark(id);
  };

  const mark = (id) => {
    for (const each of document.querySelectorAll("[data-trial].lit")) each.classList.remove("lit");
    for (const each of document.querySelectorAll("[data-trial]")) {
      if (each !== panel && each.dataset.trial === id) each.classList.add("lit");
    }
  };

  for (const event of ["mouseover", "focusin", "click"]) {
    document.addEventListener(event, (happening) => {
      const found = happening.target.closest(".point[data-trial], .span[data-trial], tr[data-trial]");
      if (found) show(found.dataset.trial);
    });
  }

  // Beside a chart that has no panel, a line says what the mark under the mouse or the keyboard stands for.
  for (const told of document.querySelectorAll(".told")) {
    told.textContent = "Point at a mark, or walk along the marks with the arrow keys.";
    for (const event of ["mouseover", "focusin", "click"]) {
      told.parentElement.addEventListener(event, (happening) => {
        const found = happening.target.closest("[data-at]");
        if (found) told.textContent = found.getAttribute("aria-label");
      });
    }
  }

  // A chart is one stop of the Tab key; arrow keys walk along its marks, from left to right.
  const place = (point) => Number(point.dataset.at);
  // The listeners stand around the chart, for Chromium lets the Tab key stop at an SVG that listens for the focus.
  for (const chart of document.querySelectorAll(".walk")) {
    const points = [...chart.querySelectorAll("[data-at]")].sort((a, b) => place(a) - place(b));
    const stop = (at) => points.forEach((point, index) => point.setAttribute("tabindex", index === at ? 0 : -1));
    stop(Math.max(points.findIndex((point) => point.classList.contains("chosen")), 0));
    chart.addEventListener("focusin", (focus) => points.includes(focus.target) && stop(points.indexOf(focus.target)));
    chart.addEventListener("keydown", (press) => {
      const last = points.length - 1;
      const here = points.indexOf(press.target);
      const next = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: last }[press.key];
      if (next === undefined || here < 0) return;
      points[Math.min(Math.max(next, 0), last)].focus();
      press.preventDefault();
    });
  }

  // The box finds queries by their words and by those of the documents that are listed for them, wherever a query is shown.
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  for (const seek of document.querySelectorAll(".seek")) {
    const [box, said] = [seek.querySelector("input"), seek.querySelector("output")];
    const shown = [...document.querySelectorAll("#queries tr[data-query], #sides details[data-query]")];
    const folds = document.querySelectorAll("#sides details[data-query]");
    const words = {};
    for (const each of shown) words[each.dataset.query] = `${words[each.dataset.query] ?? ""} ${plain(each.textContent)}`;
    seek.hidden = false;
    box.addEventListener("input", () => {
      const sought = plain(box.value).split(/\s+/);
      const held = Object.keys(words).filter((query) => sought.every((word) => words[query].includes(word)));
      for (const each of shown) each.hidden = !held.includes(each.dataset.query);
      for (const bar of document.querySelectorAll(".gap")) bar.classList.toggle("away", !held.includes(bar.dataset.query));
      for (const group of document.querySelectorAll(".queries")) {
        const left = group.querySelectorAll("details[data-query]:not([hidden])").length;
        group.hidden = !left;
        if (group.tagName === "DETAILS") group.open = box.value.trim() !== "" && left > 0;
      }
      said.textContent = box.value.trim() ? `${held.length} of ${seek.dataset.many} queries` : "";
    });
    // Enter goes to the first lists that are left, and opens them.
    box.addEventListener("keydown", (press) => {
      const first = press.key === "Enter" && [...folds].find((fold) => !fold.hidden);
      if (!first) return;
      first.open = true;
      first.querySelector("summary").focus();
      press.preventDefault();
    });
  }

  const key = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.sort === undefined) return cell.textContent;
    return cell.dataset.sort === "" ? null : Number(cell.dataset.sort);
  };

  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true }));

  const sort = (table, column, up) => {
    const rows = [...table.tBodies[0].rows].map((row) => [key(row, column), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null); // what has no figure stays at the end
      return up ? compare(a, b) : compare(b, a);
    });
    table.tBodies[0].append(...rows.map(([, row]) => row));
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = element("button", head.textContent);
      button.type = "button";
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        sort(table, column, up);
      });
    });
  }
})();
