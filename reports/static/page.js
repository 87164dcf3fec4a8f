"use strict";
// What the pages share: single keys, the search field, and what sticks at the top.
const page = (() => {
  const one = (id) => document.getElementById(id);

  const listen = (keys) => document.addEventListener("keydown", (event) => {
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

  const search = (apply) => {
    let timer = 0;
    one("search").addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(apply, 80);
    });
    one("tools").addEventListener("submit", (event) => event.preventDefault());
  };

  // What sticks at the top must not cover what a link leads to, however many lines it takes.
  const leaveRoom = (bar) => new ResizeObserver(() => {
    const stuck = getComputedStyle(bar).position === "sticky";
    const height = stuck ? bar.offsetHeight : 0;
    document.documentElement.style.setProperty("--stuck", `${height + 8}px`);
  }).observe(bar);

  return { listen, search, leaveRoom };
})();
