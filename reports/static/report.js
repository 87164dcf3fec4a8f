(() => {
  const all = (query, root = document) => [...root.querySelectorAll(query)];
  const one = (id) => document.getElementById(id);
  const cases = all("details.case");
  const place = new Map(cases.map((item, number) => [item, number]));
  const parts = all("section.part");
  const buttons = all("button[data-filter]");
  const choices = [one("section"), one("release")];
  const search = one("search");
  const BAD = ".fail, .blocked, .error, .unstable";
  const PRINTED = 200;
  const SPECIFICATION = "https://github.com/opencontainers/runtime-spec/blob/";

  // The one way into the page for what a runtime printed: text nodes, never markup.
  const make = (tag, name, ...content) => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    element.append(...content.filter((part) => part || part === 0));
    return element;
  };

  const drawn = (tag, attributes, ...content) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...content);
    return element;
  };

  const scrolled = (label, ...content) => {
    const pre = make("pre", "", ...content);
    if (pre.textContent.length > 600) {
      pre.tabIndex = 0;
      pre.setAttribute("role", "group");
      pre.setAttribute("aria-label", label);
    }
    return pre;
  };

  const more = (title, open, pre) => {
    const details = make("details", "more", make("summary", "", title), pre);
    details.open = open;
    return details;
  };

  const linked = (text, address) => {
    const link = make("a", "", text);
    link.href = address;
    return link;
  };

  const meta = (found, item) => {
    const clauses = (found.clauses || []).flatMap((id) => [make("code", "", id), " "]);
    const facts = (found.facts || []).flatMap((fact) => [make("span", "", fact), " "]);
    const section = (found.link || "").startsWith(SPECIFICATION)
      ? linked(found.section || "specification", found.link) : make("span", "", found.section);
    const own = linked(make("code", "", found.id), `#${item.id}`);
    own.className = "id";
    return make("p", "meta", ...clauses, ...facts, section, make("br"), own);
  };

  const operations = (several) => {
    const table = make("table", "ops");
    const head = make("tr");
    for (const title of ["at", "operation", "command and output", "ended", "took"]) {
      const cell = make("th", "", title);
      cell.scope = "col";
      head.append(cell);
    }
    table.append(make("thead", "", head));
    const body = make("tbody");
    for (const each of several) {
      const command = make("td", "", make("code", "", each.command));
      for (const stream of ["stdout", "stderr"]) {
        if (each[stream]) {
          const label = `${stream} of ${each.name}`;
          command.append(make("div", "io", make("b", "", stream), scrolled(label, each[stream])));
        }
      }
      const ended = make("td", "", each.outcome, " ", each.fault && make("br"),
        each.fault && make("em", "", each.fault));
      body.append(make("tr", each.fault && "bad", make("td", "", each.began),
        make("td", "", each.name), command, ended, make("td", "", each.took)));
    }
    table.append(body);
    return table;
  };

  const MARKS = { status: "M0 2l5 5-5 5-5-5z", hook: "M-4 3h8v8h-8z", program: "M0 2l5 10h-10z" };

  const picture = (found) => {
    const bars = (found.operations || []).map(
      (each) => [each.at, "operation", each.name, each.clock || 0, each]);
    const marks = (found.moments || []).map((moment) => [...moment, null]);
    const rows = [...bars, ...marks].sort((a, b) => a[3] - b[3] || a[0] - b[0]);
    if (rows.length < 2) return null;
    // What has a clock of its own is drawn after what was before it.
    const clocks = rows.at(-1)[3] + 1;
    const begins = [0];
    for (let clock = 0; clock < clocks; clock += 1) {
      const ends = rows.filter((row) => row[3] === clock)
        .map(([at, , , , each]) => at + (each ? each.seconds : 0));
      begins.push(Math.max(begins[clock], begins[clock] + Math.max(0, ...ends)));
    }
    const percent = (seconds) => `${(96 * seconds / (begins[clocks] || 1)).toFixed(2)}%`;
    const list = make("ol", "time", ...rows.map(([at, kind, text, clock, each]) => {
      const x = percent(begins[clock] + at);
      const svg = drawn("svg", { width: "100%", height: 14, "aria-hidden": "true" },
        drawn("line", { x1: 0, x2: "100%", y1: 7, y2: 7 }));
      if (each) {
        const width = `max(3px, ${percent(each.seconds)})`;
        const bar = drawn("rect", { x, y: 2, height: 10, rx: 2, class: each.fault ? "bad" : "" });
        bar.style.width = width;
        svg.append(bar);
      } else {
        const spot = drawn("svg", { x, overflow: "visible", class: "mark" },
          drawn("path", { d: MARKS[kind] || MARKS.program }));
        svg.append(spot);
      }
      const when = make("time", "", `${(1000 * at).toFixed(at < 0.01 ? 1 : 0)} ms`);
      return make("li", each && each.fault ? "bad" : "", when, make("i", "", kind),
        make("span", "", text, each && ` (${each.outcome}, ${each.took})`), svg);
    }));
    return clocks === 1 ? list : make("div", "", list, make("p", "cut",
      "Some of this was done for several cases at once; its times count from its own beginning."));
  };

  const config = ([before, marked, after]) => {
    const mark = make("mark", "", marked);
    const pre = scrolled("config.json", before, marked && mark, after);
    const title = marked ? "config.json, with the property under test marked" : "config.json";
    const details = more(title, false, pre);
    details.addEventListener("toggle", () => {
      if (marked) pre.scrollTop = mark.offsetTop - pre.offsetTop - 24;
    });
    return details;
  };

  const pairs = (several) => make("dl", "facts", ...several.map(([name, value]) => (
    make("div", "", make("dt", "", name), make("dd", "", make("code", "", value))))));

  const body = (found, item) => {
    const box = make("div", "body");
    const part = (title, content) => content && box.append(make("h5", "", title), content);
    if (found.reason) box.append(make("pre", "reason", found.reason));
    box.append(meta(found, item));
    if (found.killed) {
      const names = found.killed.flatMap((name) => [" ", make("code", "", name)]);
      box.append(make("p", "killed", "can fail: killed by", ...names));
    }
    part("Recorded", found.recorded && pairs(found.recorded));
    part("Findings", found.findings && make("ul", "", ...found.findings.map(
      ([text, clause]) => make("li", "", text, " ", clause && make("code", "", clause)))));
    part("Operations", found.operations && operations(found.operations));
    part("Timeline", picture(found));
    if (found.config) box.append(config(found.config));
    if (found.repro) {
      const [path, script] = found.repro;
      const where = make("p", "cut", "Beside this page: ", linked(path, path));
      box.append(more("repro.sh: the deviation with the runtime and a shell", false,
        make("div", "", where, scrolled("repro.sh", script))));
    }
    if (found.details) {
      box.append(more("Details", item.matches(".error"), scrolled("Details", found.details)));
    }
    for (const text of found.left || []) box.append(make("p", "cut", text));
    return box;
  };

  let evidence = null;
  let lost = false;
  const unpack = async () => {
    const bytes = Uint8Array.from(atob(one("evidence").textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    evidence = JSON.parse(await new Response(stream).text());
  };

  // A case is built when it is first opened; before the evidence is unpacked, as soon as it is.
  const fill = (item) => {
    if (item.querySelector(".body") || !(evidence || lost)) return;
    const missing = () => make("p", "body cut",
      "This browser cannot unpack the evidence of the page; results.jsonl has it.");
    item.append(evidence ? body(evidence[place.get(item)], item) : missing());
  };

  const open = (item, wanted = true) => {
    if (wanted) fill(item);
    item.open = wanted;
  };

  // The text of a case is only put together when somebody searches, and only once.
  const texts = new Map();
  const flat = (value) => (value && typeof value === "object"
    ? Object.values(value).map(flat).join(" ") : String(value ?? ""));
  const text = (item) => {
    if (!texts.has(item)) {
      const inside = evidence ? flat(evidence[place.get(item)]) : "";
      texts.set(item, `${item.firstElementChild.textContent} ${inside}`.toLowerCase());
    }
    return texts.get(item);
  };

  const pressed = (filter) => new Set(buttons
    .filter((b) => b.dataset.filter === filter && b.getAttribute("aria-pressed") === "true")
    .map((b) => b.dataset.value));

  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdicts = pressed("v");
    const levels = pressed("l");
    const [section, release] = choices.map((choice) => choice.value);
    let shown = 0;
    for (const part of parts) {
      let inside = 0;
      for (const item of part.getElementsByClassName("case")) {
        const match = (!section || part.id === section)
          && (!verdicts.size || verdicts.has(item.classList[1]))
          && (!levels.size || levels.has(item.dataset.l))
          && (!release || item.dataset.r === release)
          && words.every((word) => text(item).includes(word));
        if (item.hidden === match) item.hidden = !match;
        inside += match;
      }
      part.hidden = !inside;
      shown += inside;
    }
    one("shown").textContent = `${shown} of ${cases.length} cases`;
    one("none").hidden = shown > 0 || cases.length === 0;
  };

  const clear = () => {
    search.value = "";
    for (const choice of choices) choice.value = "";
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
    if (target.hidden || target.parentElement.hidden) clear();
    if (target.matches("details.case")) open(target);
    target.scrollIntoView();
    target.querySelector("summary")?.focus({ preventScroll: true });
  };

  const step = (by, bad) => {
    const list = cases.filter((item) => !item.hidden && (!bad || item.matches(BAD)));
    const here = document.activeElement?.closest("details.case");
    const at = here ? place.get(here) : -1;
    const ahead = by > 0
      ? list.find((item) => place.get(item) > at)
      : list.findLast((item) => at < 0 || place.get(item) < at);
    if (ahead) focus(ahead);
  };

  const fold = (wanted) => {
    for (const item of cases) if (!item.hidden) open(item, wanted);
  };

  const help = () => one("keys").showModal();
  const first = (filter) => buttons.find((b) => b.dataset.filter === filter)?.focus();

  const keys = {
    "/": () => search.focus(),
    "?": help,
    j: () => step(1, false),
    k: () => step(-1, false),
    n: () => step(1, true),
    p: () => step(-1, true),
    e: () => fold(true),
    c: () => fold(false),
    v: () => first("v"),
    l: () => first("l"),
    s: () => choices[0].focus(),
    r: () => choices[1].focus(),
    Escape: clear,
  };

  page.listen(keys);

  for (const button of buttons) {
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") === "true";
      button.setAttribute("aria-pressed", String(!on));
      apply();
    });
  }
  page.search(apply);
  for (const choice of choices) choice.addEventListener("change", apply);
  one("reset").addEventListener("click", clear);
  one("help").addEventListener("click", help);
  document.addEventListener("toggle", ({ target }) => {
    if (target.matches("details.case") && target.open) fill(target);
  }, true);
  window.addEventListener("hashchange", follow);
  one("tools").hidden = cases.length === 0;

  // On paper stand the evidence of what needs a look and of what is open.
  let printed = [];
  window.addEventListener("beforeprint", () => {
    printed = cases.filter((item) => !item.hidden && !item.open && item.matches(BAD)).slice(0, PRINTED);
    for (const item of printed) open(item);
  });
  window.addEventListener("afterprint", () => {
    for (const item of printed) open(item, false);
    printed = [];
  });

  page.leaveRoom(one("tools"));
  if (matchMedia("(max-width: 860px)").matches) {
    document.querySelector("nav details").open = false;
  }
  unpack().catch(() => { lost = true; }).then(() => {
    texts.clear();
    for (const item of all("details.case[open]")) fill(item);
    if (search.value) apply();
    document.documentElement.dataset.ready = lost ? "without evidence" : "yes";
  });
  apply();
  follow();
  // Until a page is loaded, the browser takes the focus from where the link led.
  window.addEventListener("load", () => requestAnimationFrame(follow));
})();
