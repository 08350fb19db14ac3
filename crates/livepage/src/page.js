// Keeps this page like what its server would send now. The crate `livepage` documents it, and the attributes it knows.
(() => {
  "use strict";

  // What is known after a frame of /events. Pure.
  const hear = (known, name, data, now) => {
    const told = (...what) => ({ changed: what.join(", "), at: now });
    const { [data.source]: _, ...others } = known.problems;
    switch (name) {
      case "hello": // What is still wrong is told again right after it.
        return {
          ...known, ...data, problems: {}, state: "connected",
          ...(!known.instance ? {} :
            known.build !== data.build ? told("the server (a new build)") :
            known.instance !== data.instance ? told("the server (restarted)") :
            known.generation !== data.generation ? told("the settings") : {}),
        };
      case "config":
        return hear({ ...known, generation: data.generation, ...told(...(data.changed ?? [])) }, "solved", { source: "config" });
      case "template":
        return hear({ ...known, ...told(...(data.changed ?? [])) }, "solved", { source: "templates" });
      case "problem":
        return { ...known, problems: { ...others, [data.source]: data.message } };
      case "solved":
        return { ...known, problems: data.source ? others : {} };
    }
  };

  // Milliseconds to wait after so many failures in a row, spread so that clients do not come all at once. Pure.
  const pause = (failures, chance) => Math.min(250 * 2 ** failures, 4000) * (0.5 + chance / 2);

  // Pairs up two lists, in their order, so that the sum of the fits is the largest: new -> old. Pure.
  const align = (olds, news, fit) => {
    const pairs = new Map();
    if (olds.length * news.length > 1e6) {
      news.forEach((fresh, at) => olds[at] && fit(olds[at], fresh) && pairs.set(fresh, olds[at]));
      return pairs;
    }
    const fits = olds.map((old) => news.map((fresh) => fit(old, fresh)));
    const best = Array.from({ length: olds.length + 1 }, () => Array(news.length + 1).fill(0));
    for (let i = olds.length - 1; i >= 0; i--)
      for (let j = news.length - 1; j >= 0; j--)
        best[i][j] = Math.max(best[i + 1][j], best[i][j + 1], fits[i][j] && fits[i][j] + best[i + 1][j + 1]);
    for (let i = 0, j = 0; i < olds.length && j < news.length; )
      if (best[i][j] === best[i + 1][j]) i++;
      else if (best[i][j] === best[i][j + 1]) j++;
      else pairs.set(news[j++], olds[i++]);
    return pairs;
  };

  // In node, for the tests.
  if (typeof module !== "undefined") return void (module.exports = { hear, pause, align });

  // As a worker: waits until another address answers. The page itself may not ask there (`connect-src 'self'`).
  if (typeof document === "undefined") {
    onmessage = async ({ data }) => {
      for (let attempts = 40; attempts; attempts--) {
        if (await fetch(data, { mode: "no-cors", cache: "no-store" }).catch(() => null)) return postMessage(true);
        await new Promise((resume) => setTimeout(resume, 250));
      }
      postMessage(false);
    };
    return;
  }

  const script = document.currentScript.src;
  const all = (selector) => [...document.querySelectorAll(selector)];

  // The page as it was sent last, each node with its live twin. Only what differs between two sendings is done to
  // the live page, so what the visitor, or an extension, did to it stays.
  const base = document.cloneNode(true);
  const live = new WeakMap();
  const pair = (node, twin) => {
    live.set(node, twin);
    node.childNodes.forEach((child, at) => pair(child, twin.childNodes[at]));
  };
  pair(base, document);

  const key = (node) => node.id || node.getAttribute?.("name") || "";
  const keys = (node) => [...node.querySelectorAll("[id], [name]")].map(key);
  const fit = (old, fresh) => {
    if (old.nodeName !== fresh.nodeName || key(old) !== key(fresh)) return 0;
    if (old.nodeType !== 1) return old.data === fresh.data ? 2 : 1;
    if (key(old) || old.isEqualNode(fresh)) return 20;
    const there = keys(fresh);
    return 3 + 3 * (old.className === fresh.className) + 9 * keys(old).some((one) => there.includes(one));
  };

  const marks = new Map();
  const mark = (node) => {
    if (!node || node === document.body || !document.body.contains(node) || node.closest("[data-live-quiet]")) return;
    clearTimeout(marks.get(node));
    node.classList.remove("live-changed");
    void node.offsetWidth; // so that the animation begins anew
    node.classList.add("live-changed");
    marks.set(node, setTimeout(() => marks.delete(node) && node.classList.remove("live-changed"), 1600));
  };

  // Makes `old`, of the base, and its twin like `fresh`.
  const update = (old, fresh, byId) => {
    // The inside of a noscript is text to the browser and elements to the parser below.
    if (old.isEqualNode(fresh) || old.nodeName === "NOSCRIPT") return;
    const twin = live.get(old);
    if (old.nodeType !== 1) {
      if (old.data.trim() !== fresh.data.trim()) mark(twin.parentElement);
      old.data = twin.data = fresh.data;
      return;
    }
    for (const name of new Set([...old.getAttributeNames(), ...fresh.getAttributeNames()])) {
      const value = fresh.getAttribute(name);
      if (old.getAttribute(name) === value) continue;
      for (const node of [old, twin]) value === null ? node.removeAttribute(name) : node.setAttribute(name, value);
      mark(twin);
    }
    const pairs = align([...old.childNodes], [...fresh.childNodes], fit);
    const staying = new Set(pairs.values());
    for (const child of [...old.childNodes].filter((child) => !staying.has(child))) {
      live.get(child).remove();
      child.remove();
    }
    let spot = old.firstChild;
    for (const child of [...fresh.childNodes]) {
      const known = pairs.get(child);
      if (!known) insert(old, child, spot, byId);
      else {
        update(known, child, byId);
        spot = known.nextSibling;
      }
    }
  };

  // A new part. What was elsewhere under the same id is moved into it, with all that was typed there.
  const insert = (parent, fresh, spot, byId) => {
    const node = document.importNode(fresh, true);
    const twin = document.importNode(fresh, true);
    pair(node, twin);
    parent.insertBefore(node, spot);
    const home = live.get(parent);
    const before = live.get(spot);
    home.insertBefore(twin, before?.parentNode === home ? before : null);
    if (node.nodeType !== 1) return;
    mark(twin);
    for (const place of [node, ...node.querySelectorAll("[id]")]) {
      const old = byId.get(place.id);
      if (old?.nodeName !== place.nodeName || old.contains(parent) || !parent.contains(place)) continue;
      live.get(place).replaceWith(live.get(old));
      place.replaceWith(old);
      update(old, place, byId);
    }
  };

  const become = (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const focus = document.activeElement;
    const { selectionStart: from, selectionEnd: to, selectionDirection: way } = focus ?? {};
    const byId = new Map([...base.querySelectorAll("[id]")].map((node) => [node.id, node]));
    update(base.documentElement, fresh.documentElement, byId);
    if (focus === document.activeElement || !focus?.isConnected) return;
    focus.focus({ preventScroll: true });
    if (from != null) focus.setSelectionRange(from, to, way);
  };

  let known = { state: "connecting", problems: {} };
  let trouble = "";
  let showing;
  const say = (selector, words) =>
    all(selector).forEach((node) => node.textContent === words || (node.textContent = words));
  // A moment later, so that a hello and the problem after it are one change to a screen reader.
  const show = () => {
    clearTimeout(showing);
    showing = setTimeout(() => {
      const state = known.state === "connected" && trouble ? "stale" : known.state;
      const problems = Object.values(known.problems);
      all("[data-live-state]").forEach((node) => (node.dataset.liveState = state));
      say("[data-live-state]", { stale: trouble, moved: `moving to ${known.location}` }[state] ?? state);
      say("[data-live-message]", problems.join("\n\n"));
      all("[data-live-problem]").forEach((node) => (node.hidden = !problems.length));
      if (!known.at) return;
      say("[data-live-changed]", known.changed);
      say("[data-live-at]", known.at.toTimeString().slice(0, 8));
    }, 20);
  };

  let fetching, again, clock;
  let misses = 0;
  const later = (wait) => {
    const period = Number(document.querySelector("[data-live-refresh]")?.dataset.liveRefresh) * 1000;
    if (trouble) clock = setTimeout(refresh, Math.max(pause(misses, Math.random()), wait));
    else if (period) clock = setTimeout(() => document.hidden || refresh(), period);
  };
  // Brings the page up to date now, and then again when the period is over.
  const refresh = async () => {
    if (fetching) return void (again = true);
    clearTimeout(clock);
    fetching = true;
    again = false;
    let wait = 0;
    try {
      const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(10000) });
      const html = await answer.text();
      if (answer.status === 200) become(html);
      trouble = answer.status === 200 ? "" : `the server answers ${answer.status}, this is the page from before`;
      wait = Math.min(answer.headers.get("retry-after") || 0, 30) * 1000;
    } catch {
      trouble = "the page cannot be fetched, this is the one from before";
      if (known.state === "connected") lost(0); // the stream may be dead without knowing
    }
    misses = trouble ? misses + 1 : 0;
    fetching = false;
    show();
    again ? refresh() : later(wait);
  };

  let stream, retry;
  let failures = 0;
  const lost = (wait) => {
    stream.close();
    clearTimeout(retry);
    retry = setTimeout(connect, wait);
    known = { ...known, state: "reconnecting" };
    show();
  };
  // The browser's own reconnecting is not used: it waits for seconds, and gives up after an answer that is not 200.
  const connect = () => {
    stream?.close();
    stream = new EventSource(new URL("events", script));
    stream.onerror = () => lost(pause(failures++, Math.random()));
    for (const name of ["hello", "config", "template", "problem", "solved"])
      stream.addEventListener(name, ({ data }) => {
        failures = 0;
        known = hear(known, name, JSON.parse(data || "{}"), new Date());
        show();
        if (name !== "problem" && name !== "solved") refresh();
      });
    stream.addEventListener("bye", ({ data }) => {
      const there = new URL(JSON.parse(data || "{}").location || "/", location);
      lost(100 + 300 * Math.random());
      if (there.origin !== location.origin) move(there);
    });
  };

  // Goes to another address as soon as it answers, and stays until then.
  const TYPED = "input:is([type=text], [type=search], :not([type]))[id], textarea[id]";
  const move = (there) => {
    clearTimeout(retry);
    clearTimeout(clock);
    known = { ...known, state: "moved", location: there.origin };
    show();
    const scout = new Worker(script);
    scout.onerror = scout.onmessage = ({ data }) => {
      scout.terminate();
      if (!data) return connect();
      // What was typed goes along in the window's name, which alone crosses origins.
      const typed = all(TYPED).map((node) => [node.id, node.value]);
      window.name = JSON.stringify({ typed, focus: document.activeElement?.id, scroll: scrollY, by: "livepage" });
      location.replace(new URL(location.pathname + location.search, there));
    };
    scout.postMessage(there.href);
  };
  const arrive = ({ by, typed, focus, scroll }) => {
    if (by !== "livepage") return;
    window.name = "";
    for (const node of all(TYPED)) node.value = new Map(typed).get(node.id) ?? node.value;
    document.getElementById(focus)?.focus({ preventScroll: true });
    scrollTo(0, scroll);
  };

  document.addEventListener("visibilitychange", () => document.hidden || refresh());
  addEventListener("pageshow", ({ persisted }) => persisted && connect());
  connect();
  later();
  if (window.name.startsWith("{")) arrive(JSON.parse(window.name));
})();
