(() => {
  const all = (query) => [...document.querySelectorAll(query)];
  const one = (id) => document.getElementById(id);
  const rows = all("details.row");
  const parts = all("section.part");
  const buttons = all("button[data-filter]");
  const search = one("search");
  const texts = new Map();

  // The text of a row is only read when somebody searches, and only once.
  const text = (row) => {
    if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
    return texts.get(row);
  };

  const on = (button) => button.getAttribute("aria-pressed") === "true";
  const set = (button, value) => button.setAttribute("aria-pressed", String(value));
  const pressed = (filter) => buttons
    .filter((button) => button.dataset.filter === filter && on(button))
    .map((button) => button.dataset.value);

  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const differences = pressed("d");
    const verdicts = pressed("v");
    const levels = pressed("l");
    let shown = 0;
    for (const row of rows) {
      const has = row.dataset.v.split(" ");
      const match = (!differences.includes("differ") || "d" in row.dataset)
        && (!differences.includes("ran") || "r" in row.dataset)
        && (!verdicts.length || verdicts.some((verdict) => has.includes(verdict)))
        && (!levels.length || levels.includes(row.dataset.l))
        && words.every((word) => text(row).includes(word));
      row.hidden = !match;
      if (match) shown += 1;
    }
    for (const part of parts) part.hidden = !part.querySelector("details.row:not([hidden])");
    one("shown").textContent = `${shown} of ${rows.length} clauses`;
    one("nothing").hidden = shown > 0 || rows.length === 0;
  };

  const toggle = (button) => {
    set(button, !on(button));
    apply();
  };

  const clear = () => {
    search.value = "";
    for (const button of buttons) set(button, false);
    apply();
  };

  const step = (by) => {
    const list = rows.filter((row) => !row.hidden);
    const at = rows.indexOf(document.activeElement?.closest("details.row"));
    const next = by > 0
      ? list.find((row) => rows.indexOf(row) > at)
      : list.filter((row) => rows.indexOf(row) < at).pop();
    if (!next) return;
    next.querySelector("summary").focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };

  // A deep link shows its row even where a filter hides it.
  const follow = () => {
    const target = location.hash.length > 1 && one(location.hash.slice(1));
    if (!target || !target.matches("details.row, section.part")) return;
    if (target.hidden) clear();
    if (target.matches("details.row")) target.open = true;
    target.scrollIntoView();
    target.querySelector("summary")?.focus({ preventScroll: true });
  };

  const help = () => one("keys").showModal();
  const keys = {
    "/": () => search.focus(),
    "?": help,
    d: () => toggle(one("differ")),
    j: () => step(1),
    k: () => step(-1),
    Escape: clear,
  };

  page.listen(keys);

  for (const button of buttons) button.addEventListener("click", () => toggle(button));
  page.search(apply);
  one("reset").addEventListener("click", clear);
  one("help").addEventListener("click", help);
  window.addEventListener("hashchange", follow);
  one("tools").hidden = rows.length === 0;

  page.leaveRoom(one("bar"));
  apply();
  follow();
  document.documentElement.dataset.ready = "";
})();
