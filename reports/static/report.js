"use strict";
(() => {
  const all = (query, root = document) => [...root.querySelectorAll(query)];
  const one = (id) => document.getElementById(id);
  const cases = all("details.case");
  const parts = all("section.part");
  const buttons = all("button[data-filter]");
  const search = one("search");
  const texts = new Map();

  // The text of a case is only read when somebody searches, and only once.
  const text = (item) => {
    if (!texts.has(item)) texts.set(item, item.textContent.toLowerCase());
    return texts.get(item);
  };

  const pressed = (filter) => new Set(buttons
    .filter((b) => b.dataset.filter === filter && b.getAttribute("aria-pressed") === "true")
    .map((b) => b.dataset.value));

  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdicts = pressed("v");
    const levels = pressed("l");
    let shown = 0;
    for (const item of cases) {
      const match = (!verdicts.size || verdicts.has(item.dataset.v))
        && (!levels.size || levels.has(item.dataset.l))
        && words.every((word) => text(item).includes(word));
      item.hidden = !match;
      if (match) shown += 1;
    }
    for (const part of parts) part.hidden = !part.querySelector("details.case:not([hidden])");
    one("shown").textContent = `${shown} of ${cases.length} cases`;
    one("none").hidden = shown > 0 || cases.length === 0;
  };

  const clear = () => {
    search.value = "";
    for (const button of buttons) button.setAttribute("aria-pressed", "false");
    apply();
  };

  const focus = (item) => {
    item.querySelector("summary").focus({ preventScroll: true });
    item.scrollIntoView({ block: "nearest" });
  };

  // A deep link shows its case even where a filter hides it.
  const follow = () => {
    const target = location.hash.length > 1 && one(location.hash.slice(1));
    if (!target || !target.matches("details.case, section.part")) return;
    if (target.hidden) clear();
    if (target.matches("details.case")) target.open = true;
    target.scrollIntoView();
    target.querySelector("summary")?.focus({ preventScroll: true });
  };

  const step = (by, bad) => {
    const list = cases.filter((item) => !item.hidden
      && (!bad || item.matches(".fail, .blocked, .error, .unstable")));
    if (!list.length) return;
    const here = document.activeElement?.closest("details.case");
    const at = cases.indexOf(here);
    const ahead = by > 0
      ? list.find((item) => cases.indexOf(item) > at)
      : list.filter((item) => at < 0 || cases.indexOf(item) < at).pop();
    if (ahead) focus(ahead);
  };

  const fold = (open) => {
    for (const item of cases) if (!item.hidden) item.open = open;
  };

  const help = () => one("keys").showModal();

  const keys = {
    "/": () => search.focus(),
    "?": help,
    j: () => step(1, false),
    k: () => step(-1, false),
    n: () => step(1, true),
    p: () => step(-1, true),
    e: () => fold(true),
    c: () => fold(false),
    Escape: clear,
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || one("keys").open) return;
    const typing = event.target.matches("input, textarea, select");
    if (typing && event.key !== "Escape") return;
    if (event.key !== "Escape" && !one("keys-on").checked) return;
    const action = keys[event.key];
    if (!action) return;
    event.preventDefault();
    if (typing) event.target.blur();
    action();
  });

  for (const button of buttons) {
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") === "true";
      button.setAttribute("aria-pressed", String(!on));
      apply();
    });
  }
  let timer = 0;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(apply, 80);
  });
  one("tools").addEventListener("submit", (event) => event.preventDefault());
  one("reset").addEventListener("click", clear);
  one("help").addEventListener("click", help);
  window.addEventListener("hashchange", follow);
  one("tools").hidden = cases.length === 0;

  // What sticks at the top must not cover what a link leads to, however many lines it takes.
  new ResizeObserver(() => {
    const stuck = getComputedStyle(one("tools")).position === "sticky";
    const height = stuck ? one("tools").offsetHeight : 0;
    document.documentElement.style.setProperty("--stuck", `${height + 8}px`);
  }).observe(one("tools"));
  if (matchMedia("(max-width: 860px)").matches) {
    document.querySelector("nav details").open = false;
  }
  apply();
  follow();
})();
