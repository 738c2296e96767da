// What is typed is asked for as it is typed. The address says what is looked for, and what documents say is only ever text.
const main = document.querySelector("main[data-about]");
const about = main && JSON.parse(main.dataset.about); // columns: id, heading, fields, facets, shown; and how many documents
const find = (selector) => document.querySelector(selector);
const [K, WAIT, FEW, SHORT] = [10, 120, 6, 60]; // documents of a page, ms between a letter and the question, values of a facet before "more", letters of a short text
const state = { q: "", where: {}, page: 0, typos: true, begun: false }; // begun: the last word is one that only begins so
const opened = new Set(); // facets that show all of their values
let asking = new AbortController();
let timer = 0;

function made(name, inside = [], set = {}) {
  const element = Object.assign(document.createElement(name), set);
  element.append(...[inside].flat());
  return element;
}
const whole = (number) => number.toLocaleString("en");
const said = (value) => (typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value));

async function ask(path, words, signal) {
  const answer = await fetch(`${path}?${new URLSearchParams(words)}`, { signal });
  if (answer.status === 401) location.reload();
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error.message);
  return told;
}
function wanted(more) {
  const words = [["q", state.begun ? `${state.q}*` : state.q], ["where", JSON.stringify(state.where)], ["typos", state.typos]];
  return [...words, ...Object.entries(more)];
}

// The address.
function read() {
  const words = new URLSearchParams(location.search);
  state.q = words.get("q") ?? "";
  try {
    const where = JSON.parse(words.get("f") ?? "{}");
    state.where = where && typeof where === "object" && !Array.isArray(where) ? where : {};
  } catch {
    state.where = {};
  }
  state.page = Math.max(0, Math.floor(Number(words.get("p") ?? 1)) - 1 || 0);
  Object.assign(state, { typos: words.get("t") !== "0", begun: false });
}
function written() {
  const words = new URLSearchParams();
  if (state.q) words.set("q", state.q);
  if (Object.keys(state.where).length) words.set("f", JSON.stringify(state.where));
  if (state.page) words.set("p", state.page + 1);
  if (!state.typos) words.set("t", "0");
  return words.size ? `?${words}` : location.pathname;
}

// Asking. A step that somebody takes on purpose can be taken back; what is typed changes the same place.
function step(change, typing = false) {
  Object.assign(state, { page: 0 }, change);
  const there = location.search === written() || (!location.search && written() === location.pathname);
  if (!there) history[typing ? "replaceState" : "pushState"](null, "", written());
  return look(typing);
}
async function look(typing = false) {
  clearTimeout(timer);
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  if (!state.q.trim()) return empty();
  const begun = performance.now();
  try {
    const more = [...about.facets.map((name) => ["facets", name]), ...[...about.fields, ...about.shown].map((name) => ["fields", name])];
    const page = () => ask("/search.json", [...wanted({ k: K, skip: state.page * K, highlight: true, count: true }), ...more], signal);
    let told = await page();
    if (typing && (told.corrected || told.passed) && /[\p{L}\p{N}]{2}$/u.test(state.q)) {
      state.begun = true; // a word that nobody knows is perhaps not written to its end
      const longer = await page();
      if (longer.hits.length) told = longer;
      else state.begun = false;
    }
    show(told, performance.now() - begun);
  } catch (fault) {
    if (fault.name !== "AbortError") fail(fault.message);
  }
}
function fail(message) {
  tell([made("span", message, { className: "fault" })]);
}
function tell(parts) {
  find("#said").replaceChildren(...parts);
}
function empty() {
  tell([]);
  find("#hits").replaceChildren();
  find("#facets").replaceChildren();
  find("#pages").hidden = find(".facets").hidden = true;
  find("#hints").hidden = false;
}

// What was found.
function show(told, took) {
  find("#hints").hidden = true;
  const first = state.page * K + 1;
  const many = told.total ?? first - 1 + told.hits.length;
  const time = took < 10 ? took.toFixed(1) : Math.round(took);
  tell([made("span", many ? `${whole(many)} of ${whole(about.count)} documents, in ${time} ms` : "Nothing was found."), ...meant(told), ...bare()]);
  find("#hits").start = first;
  find("#hits").replaceChildren(...told.hits.map((hit, place) => shown(hit, state.page * K + place)));
  pages(first, told.hits.length, told.total);
  facets(told.facets ?? {});
}
function meant(told) {
  const passed = (told.passed ?? []).map((words) => made("span", words));
  if (!told.corrected) return passed;
  const instead = made("button", `Search for “${state.q}” instead`, { type: "button", className: "link" });
  instead.addEventListener("click", () => step({ typos: false, begun: false }));
  return [made("span", ["Showing ", made("b", told.corrected)]), instead, ...passed];
}
function bare() {
  if (!Object.keys(state.where).length) return [];
  const all = made("button", "Without filters", { type: "button", className: "link" });
  all.addEventListener("click", () => step({ where: {} }));
  return [all];
}
function shown(hit, rank) {
  const [lit, fields] = [hit.text ?? {}, hit.about ?? {}];
  const heading = lit[about.heading]?.text ? marked(lit[about.heading]) : [said(hit.id)];
  const open = made("button", heading, { type: "button", className: "open" });
  open.addEventListener("click", () => details(hit.id));
  const others = about.fields.filter((name) => name !== about.heading && lit[name]?.text);
  const told = others.filter((name, place) => !place || lit[name].marks.length); // the first as it is, others where the query met them
  const parts = told.map((name) => made("p", marked(lit[name]), { className: "part" }));
  const short = others.filter((name) => !told.includes(name) && lit[name].letters <= SHORT).map((name) => made("span", lit[name].text, { title: name }));
  const known = about.shown.filter((name) => fields[name] != null).map((name) => made("span", said(fields[name]), { title: name }));
  const under = [...short, ...known];
  const why = made("button", "Why this one", { type: "button", className: "link" });
  why.setAttribute("aria-expanded", "false");
  const item = made("li", [made("h3", open), ...parts, made("p", [...under, why], { className: "under" })]);
  why.addEventListener("click", () => because(item, why, rank));
  return item;
}
// Places count letters as Python does; a letter may be two units of JavaScript.
function marked(lit) {
  const letters = Array.from(lit.text);
  const parts = [];
  let done = 0;
  for (const [begin, end] of lit.marks) {
    parts.push(letters.slice(done, begin).join(""), made("mark", letters.slice(begin, end).join("")));
    done = end;
  }
  return [lit.begin ? "… " : "", ...parts, letters.slice(done).join(""), lit.begin + letters.length < lit.letters ? " …" : ""];
}
async function because(item, why, rank) {
  const bars = item.querySelector(".bars");
  if (bars) {
    bars.hidden = !bars.hidden;
    why.setAttribute("aria-expanded", String(!bars.hidden));
    return;
  }
  try {
    const told = await ask("/search.json", wanted({ k: 1, skip: rank, why: true }));
    const parts = told.hits[0]?.why ?? [];
    const most = Math.max(...parts.map(({ part }) => Math.abs(part)), 1e-9);
    const lines = parts.map(({ name, part }) => {
      const meter = made("meter", [], { min: 0, max: most, value: Math.abs(part) });
      meter.setAttribute("aria-hidden", "true");
      return made("div", [made("dt", name), made("dd", meter), made("dd", part.toFixed(2), { className: "figure" })], { className: part < 0 ? "against" : "" });
    });
    item.append(made("dl", lines.length ? lines : made("div", made("dt", "Its score has no parts that are told.")), { className: "bars" }));
    why.setAttribute("aria-expanded", "true");
  } catch (fault) {
    fail(fault.message);
  }
}
function pages(first, shown, total) {
  const more = total == null ? shown === K : first - 1 + shown < total;
  find("#pages").hidden = !state.page && !more;
  find("#before").disabled = !state.page;
  find("#after").disabled = !more;
  find("#where").textContent = shown ? `${whole(first)} to ${whole(first - 1 + shown)}` : "";
}

// Facets: of values any number may be chosen, of ranges one.
function facets(told) {
  const held = document.activeElement?.closest("#facets label")?.dataset.key;
  const sets = about.facets.filter((name) => told[name]?.length || name in state.where).map((name) => facet(name, told[name] ?? []));
  find(".facets").hidden = !sets.length;
  find(".both").classList.toggle("alone", !sets.length);
  find("#facets").replaceChildren(...sets);
  if (held) [...document.querySelectorAll("#facets label")].find((each) => each.dataset.key === held)?.querySelector("input").focus();
}
function facet(name, counts) {
  const chosen = state.where[name];
  const values = Array.isArray(chosen) ? chosen : [];
  const ranged = counts.some((each) => !("value" in each)) || (chosen && !Array.isArray(chosen));
  const seen = counts.filter((each) => each.count || ("value" in each && values.includes(each.value)));
  const gone = values.filter((value) => !counts.some((each) => each.value === value)).map((value) => ({ value, count: 0 }));
  const lines = [...gone, ...seen].map((each) => (ranged ? range(name, each, chosen) : choice(name, each, values)));
  const set = made("fieldset", [made("legend", name), ...lines]);
  if (lines.length > FEW + 1 && !opened.has(name)) {
    lines.slice(FEW).filter((line) => !line.querySelector("input").checked).forEach((line) => (line.hidden = true));
    const more = made("button", `${lines.length - FEW} more`, { type: "button", className: "more" });
    more.addEventListener("click", () => {
      opened.add(name);
      lines.forEach((line) => (line.hidden = false));
      lines[FEW].querySelector("input").focus();
      more.remove();
    });
    set.append(more);
  }
  return set;
}
function box(name, words, count, checked, change) {
  const input = made("input", [], { type: "checkbox", checked });
  input.addEventListener("change", () => change(input.checked));
  const label = made("label", [input, made("span", words), made("small", whole(count))]);
  label.dataset.key = `${name}=${words}`;
  return label;
}
function narrowed(name, filter) {
  const { [name]: _, ...rest } = state.where;
  return step({ where: filter === null ? rest : { ...rest, [name]: filter } });
}
function choice(name, { value, count }, values) {
  return box(name, said(value), count, values.includes(value), (on) => {
    const left = values.filter((each) => each !== value);
    const now = on ? [...left, value] : left;
    narrowed(name, now.length ? now : null);
  });
}
function range(name, { count, ...ends }, chosen) {
  const time = about.times.includes(name);
  const end = (value) => (time ? new Date(value * 1000).toISOString().slice(0, 10) : said(value));
  const words = ends.from == null ? (ends.below == null ? "all" : `below ${end(ends.below)}`) : ends.below == null ? `${end(ends.from)} and above` : `${end(ends.from)} to below ${end(ends.below)}`;
  const on = !!chosen && chosen.from === ends.from && chosen.below === ends.below;
  return box(name, words, count, on, (now) => narrowed(name, now ? ends : null));
}

// A document with all of its fields.
async function details(id) {
  try {
    const told = await ask("/documents", { id });
    const dialog = find("dialog");
    find("#head").textContent = said(told.fields[about.heading] ?? told.id);
    const lines = Object.entries({ [about.id]: told.id, ...told.fields }).filter(([name, value]) => value !== null && name !== about.heading);
    find("#told").replaceChildren(...lines.flatMap(([name, value]) => [made("dt", name), made("dd", about.times.includes(name) ? new Date(value * 1000).toISOString() : said(value))]));
    dialog.showModal();
    dialog.scrollTop = 0;
  } catch (fault) {
    fail(fault.message);
  }
}

// Keys.
function move(by) {
  const stops = [find("#q"), ...document.querySelectorAll("#hits .open")];
  const li = document.activeElement.closest("#hits li");
  const here = li ? stops.indexOf(li.querySelector(".open")) : stops.indexOf(document.activeElement);
  if (here < 0) return false;
  const next = stops[Math.min(stops.length - 1, Math.max(0, here + by))];
  next.focus();
  (next.closest("li") ?? next).scrollIntoView({ block: "nearest" });
  return true;
}
document.addEventListener("keydown", (event) => {
  if (!main || event.ctrlKey || event.metaKey || event.altKey || find("dialog").open) return;
  if (event.key === "/" && !event.target.matches("input[type=search]")) find("#q").focus(), find("#q").select();
  else if (event.key === "ArrowDown" && move(1));
  else if (event.key === "ArrowUp" && !event.target.matches("#q") && move(-1));
  else return;
  event.preventDefault();
});
if (main) {
  const input = find("#q");
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => step({ q: input.value, typos: true, begun: false }, true), WAIT);
  });
  find("form").addEventListener("submit", (event) => {
    event.preventDefault();
    step({ q: input.value, typos: true, begun: false });
  });
  const turn = (by) => step({ page: state.page + by }).then(() => (find("#hits .open")?.focus(), scrollTo(0, 0)));
  find("#before").addEventListener("click", () => turn(-1));
  find("#after").addEventListener("click", () => turn(1));
  find(".close").addEventListener("click", () => find("dialog").close());
  find("dialog").addEventListener("click", (event) => event.target === find("dialog") && find("dialog").close());
  const begin = () => (read(), (input.value = state.q), look());
  addEventListener("popstate", begin);
  find(".facets").open = matchMedia("(min-width: 48.01rem)").matches;
  begin();
}
