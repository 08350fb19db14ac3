// The script in a real browser, against a server that speaks as the real ones do.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

const SCRIPT = readFileSync(new URL("../../src/page.js", import.meta.url));
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'";

/** A server of one page: what it answers is its fields. */
class Server {
  page = { head: "", before: "", words: "one", flag: "", clock: 0, period: 3600 };
  status = 200;
  eventsStatus = 200;
  greeting = [["hello", { instance: "a", build: "1", generation: 1 }]];
  visits = [];
  streams = new Set();

  html() {
    const { head, before, words, period, body } = this.page;
    return `<!doctype html><html lang="en" data-live-refresh="${period}"><head><meta charset="utf-8"><title>t</title>${head}
<script src="/page.js" defer></script></head><body>
<noscript><p>no script</p></noscript>
<p data-live-state="connecting">connecting</p>
<div data-live-problem hidden><pre data-live-message></pre></div>
<p data-live-changed>nothing</p><p data-live-at></p>
<p id="clock" data-live-quiet>${this.page.clock++}</p>
${before}
${body ?? `<section class="words"><p id="words">${words}</p></section>
<section class="form"><p>Type</p><input id="note"><textarea id="long" rows="2"></textarea>
<details><summary>More</summary><p>inside</p></details>
<div id="box" style="height:50px;overflow:auto"><div style="height:500px">tall</div></div></section>
<div style="height:3000px">low</div>`}
</body></html>`;
  }

  async open(port = 0) {
    this.http = createServer((request, response) => {
      const path = request.url.split("?")[0];
      this.visits.push({ path, at: performance.now() });
      if (path === "/page.js") response.writeHead(200, { "content-type": "text/javascript" }).end(SCRIPT);
      else if (path === "/events") this.follow(response);
      else if (this.status !== 200) response.writeHead(this.status, { "content-type": "text/html" }).end("<p>away</p>");
      else
        response
          .writeHead(200, { "content-type": "text/html; charset=utf-8", "content-security-policy": POLICY })
          .end(this.html());
    });
    await new Promise((listening) => this.http.listen(port, "127.0.0.1", listening));
    this.port = this.http.address().port;
    this.url = `http://127.0.0.1:${this.port}/`;
    return this;
  }

  follow(response) {
    if (this.eventsStatus !== 200) return response.writeHead(this.eventsStatus).end();
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const frame of this.greeting) response.write(frameText(...frame));
    this.streams.add(response);
    response.on("close", () => this.streams.delete(response));
  }

  tell(name, data) {
    for (const stream of this.streams) stream.write(frameText(name, data));
  }

  cut() {
    for (const stream of this.streams) stream.end();
  }

  count(path) {
    return this.visits.filter((visit) => visit.path === path).length;
  }

  async close() {
    this.http.closeAllConnections();
    await new Promise((closed) => this.http.close(closed));
  }
}

const frameText = (name, data) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

let driver, base, session;

const ask = async (method, path, body) => {
  const answer = await fetch(base + path, { method, body: body && JSON.stringify(body) });
  const { value } = await answer.json();
  if (value?.error) throw new Error(value.message);
  return value;
};
const visit = (url) => ask("POST", `${session}/url`, { url });
const run = (script, ...args) => ask("POST", `${session}/execute/sync`, { script, args });
const type = async (selector, text) => {
  const element = await ask("POST", `${session}/element`, { using: "css selector", value: selector });
  await ask("POST", `${session}/element/${Object.values(element)[0]}/value`, { text });
};
const text = (selector) => run("return document.querySelector(arguments[0]).textContent", selector);

/** Waits until `probe` gives what is expected. */
const until = async (expected, probe, what) => {
  let last;
  for (const end = performance.now() + 15000; performance.now() < end; await sleep(20)) {
    last = await probe();
    if (last === expected) return;
  }
  assert.equal(last, expected, what);
};
const open = async (server) => {
  await visit(server.url);
  await until("connected", () => text("[data-live-state]"), "the page connects");
  await until(true, () => server.count("/") >= 2, "the first hello brings the page up to date");
};
const edit = (server, words, changed = ["app_name"]) => {
  server.page.words = words;
  server.tell("config", { generation: 2, changed });
};

/** A test with a server of its own. */
const claim = (name, body) =>
  test(name, async () => {
    const server = await new Server().open();
    try {
      await body(server);
    } finally {
      await visit("about:blank");
      await server.close();
    }
  });

before(async () => {
  driver = spawn("chromedriver", ["--port=0"], { stdio: ["ignore", "pipe", "inherit"] });
  const port = await new Promise((listening) => {
    let said = "";
    driver.stdout.on("data", (piece) => {
      said += piece;
      const port = said.match(/successfully on port (\d+)/)?.[1];
      if (port) listening(port);
    });
  });
  base = `http://127.0.0.1:${port}`;
  const args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=900,700"];
  args.push("--disable-background-networking", "--disable-component-update", "--disable-sync");
  const capabilities = { alwaysMatch: { "goog:chromeOptions": { args }, "goog:loggingPrefs": { browser: "ALL" } } };
  session = `/session/${(await ask("POST", "/session", { capabilities })).sessionId}`;
});

after(async () => {
  if (session) await ask("DELETE", session);
  driver.kill();
});

/** What a visitor would miss. */
const traces = () =>
  run(`
    const note = document.getElementById("note");
    return JSON.stringify({
      typed: note.value, long: document.getElementById("long").value, focus: document.activeElement.id,
      selection: [note.selectionStart, note.selectionEnd], open: document.querySelector("details").open,
      scroll: scrollY, box: document.getElementById("box").scrollTop });`);
const leaveTraces = async () => {
  await type("#long", "more text");
  await type("#note", "half a sentence");
  await run(`
    document.querySelector("details").open = true;
    document.getElementById("box").scrollTop = 120;
    document.getElementById("note").setSelectionRange(2, 6);
    scrollTo(0, 40);`);
  return traces();
};

claim("what_the_visitor_did_stays_when_the_page_changes", async (server) => {
  await open(server);
  const left = await leaveTraces();
  assert.match(left, /"typed":"half a sentence".*"focus":"note","selection":\[2,6\],"open":true,"scroll":40,"box":120/);
  edit(server, "two");
  await until("two", () => text("#words"));
  assert.equal(await traces(), left);
  // A part of the same shape appears before the form, and goes again.
  server.page.before = '<section class="flag" style="position:absolute"><p>Feature A</p></section>';
  edit(server, "three");
  await until("three", () => text("#words"));
  assert.equal(await run("return document.querySelectorAll('.flag').length"), 1);
  assert.equal(await traces(), left);
  server.page.before = "";
  edit(server, "four");
  await until("four", () => text("#words"));
  assert.equal(await run("return document.querySelectorAll('.flag').length"), 0);
  assert.equal(await traces(), left);
  // Control: the traces do see a page that was made anew.
  await run("document.body.innerHTML = document.body.innerHTML");
  assert.notEqual(await traces(), left);
});

claim("a_field_that_moves_into_another_part_keeps_its_text_focus_and_selection", async (server) => {
  await open(server);
  await type("#note", "half a sentence");
  await run("document.getElementById('note').setSelectionRange(2, 6)");
  server.page.body = '<main><article><h2>New</h2><label>Note <input id="note" class="wide"></label></article></main>';
  server.tell("template", { changed: ["index.html"] });
  await until("New", () => run("return document.querySelector('h2')?.textContent"));
  const note = "const n = document.getElementById('note'); return [n.value, n.classList.contains('wide'), n === document.activeElement, n.selectionStart, n.selectionEnd].join()";
  assert.equal(await run(note), "half a sentence,true,true,2,6");
  server.page.body = '<p>Gone</p>';
  server.tell("template", { changed: ["index.html"] });
  await until(null, () => run("return document.getElementById('note')"));
});

claim("what_others_did_to_the_page_stays", async (server) => {
  await open(server);
  await run(`
    document.body.setAttribute("data-extension", "on");
    document.querySelector(".words").insertAdjacentHTML("afterbegin", "<i id=guest>guest</i>");`);
  edit(server, "two");
  await until("two", () => text("#words"));
  assert.equal(await text("#guest"), "guest");
  assert.equal(await run("return document.body.dataset.extension"), "on");
});

claim("changed_spots_are_marked_for_a_moment_and_quiet_ones_are_not", async (server) => {
  await open(server);
  await until(0, () => run("return document.querySelectorAll('.live-changed').length"), "opening marks nothing");
  const clock = await text("#clock");
  edit(server, "two");
  await until("two", () => text("#words"));
  assert.equal(await run("return [...document.querySelectorAll('.live-changed')].map((node) => node.id).join()"), "words");
  assert.notEqual(await text("#clock"), clock);
  await until(0, () => run("return document.querySelectorAll('.live-changed').length"), "the mark goes");
});

claim("what_changed_last_is_shown_with_its_time", async (server) => {
  await open(server);
  assert.equal(await text("[data-live-changed]"), "nothing");
  edit(server, "two", ["app_name", "settings.log_level"]);
  await until("app_name, settings.log_level", () => text("[data-live-changed]"));
  assert.match(await text("[data-live-at]"), /^\d\d:\d\d:\d\d$/);
  server.page.head = "<style>p { color: red }</style>";
  server.tell("template", { changed: ["index.html"] });
  await until("index.html", () => text("[data-live-changed]"));
  await until("rgb(255, 0, 0)", () => run("return getComputedStyle(document.querySelector('#words')).color"));
});

claim("a_problem_is_shown_as_text_until_it_is_solved", async (server) => {
  const hidden = () => run("return document.querySelector('[data-live-problem]').hidden");
  const message = "config.yaml:4:9: <img src=x onerror=alert(1)> is no port";
  server.greeting.push(["problem", { source: "config", message }]);
  await open(server);
  await until(false, hidden, "an outstanding problem is shown on a page that is just loaded");
  assert.equal(await text("[data-live-message]"), message);
  server.tell("problem", { source: "templates", message: "index.html:1:1: bad" });
  await until(`${message}\n\nindex.html:1:1: bad`, () => text("[data-live-message]"));
  server.tell("solved", { source: "config" });
  await until("index.html:1:1: bad", () => text("[data-live-message]"));
  server.tell("template", { changed: ["index.html"] });
  await until(true, hidden, "the next accepted change of that source clears it");
});

claim("a_closed_stream_is_opened_again", async (server) => {
  await open(server);
  server.greeting = [["hello", { instance: "b", build: "1", generation: 1 }]];
  server.page.words = "from the successor";
  server.cut();
  await until("from the successor", () => text("#words"), "a hello brings the page up to date");
  await until("connected", () => text("[data-live-state]"));
  assert.equal(await text("[data-live-changed]"), "the server (restarted)");
});

claim("a_stream_that_is_answered_with_503_is_asked_for_again", async (server) => {
  await open(server);
  server.eventsStatus = 503;
  server.cut();
  await until("reconnecting", () => text("[data-live-state]"));
  await until(true, () => server.count("/events") >= 4, "it goes on asking");
  server.eventsStatus = 200;
  await until("connected", () => text("[data-live-state]"));
});

claim("a_server_that_is_away_for_a_while_is_found_again", async (server) => {
  await open(server);
  await type("#note", "kept");
  const { port } = server;
  await server.close();
  await until("reconnecting", () => text("[data-live-state]"));
  await sleep(300);
  server.page.words = "back";
  await server.open(port);
  await until("back", () => text("#words"));
  assert.equal(await run("return document.getElementById('note').value"), "kept");
});

claim("a_page_that_is_not_200_leaves_the_old_one_and_is_asked_for_again", async (server) => {
  await open(server);
  await type("#note", "kept");
  for (const status of [503, 429]) {
    server.status = status;
    edit(server, `after ${status}`);
    await until("stale", () => run("return document.querySelector('[data-live-state]').dataset.liveState"));
    assert.match(await text("[data-live-state]"), new RegExp(`answers ${status}`));
    assert.equal(await run("return document.getElementById('note').value"), "kept");
    server.status = 200;
    await until(`after ${status}`, () => text("#words"));
    await until("connected", () => text("[data-live-state]"));
  }
});

claim("the_clock_follows_the_period_and_a_new_period_counts_at_once", async (server) => {
  server.page.period = 1;
  await open(server);
  const clock = async () => Number(await text("#clock"));
  const start = await clock();
  await until(true, async () => (await clock()) >= start + 2, "two periods");
  server.page.period = 3600;
  edit(server, "slow");
  await until("slow", () => text("#words"));
  const asked = server.count("/");
  await sleep(1600);
  assert.equal(server.count("/"), asked, "nothing is asked within the new period");
});

claim("the_clock_goes_on_without_a_stream", async (server) => {
  server.page.period = 1;
  server.eventsStatus = 503;
  await visit(server.url);
  await until(true, async () => Number(await text("#clock")) >= 2, "two periods");
  assert.equal(await text("[data-live-state]"), "reconnecting");
});

claim("a_bye_is_followed_by_a_new_stream_within_half_a_second", async (server) => {
  await open(server);
  for (const data of [{}, { location: null }, { location: server.url }, { location: "/" }]) {
    const seen = server.count("/events");
    const told = performance.now();
    server.tell("bye", data);
    await until(true, () => server.count("/events") > seen, JSON.stringify(data));
    const took = server.visits.filter((visit) => visit.path === "/events").at(-1).at - told;
    assert.ok(took < 500, `${took} ms`);
    await until("connected", () => text("[data-live-state]"));
  }
});

claim("a_bye_to_another_address_is_followed_once_that_answers", async (server) => {
  await open(server);
  await type("#note", "half a sentence");
  const other = await new Server().open();
  const { port, url } = other;
  await other.close();
  server.tell("bye", { location: url });
  await until("moved", () => run("return document.querySelector('[data-live-state]').dataset.liveState"));
  await sleep(600);
  assert.equal(await run("return location.href"), server.url, "it stays while nothing answers");
  assert.equal(await run("return document.getElementById('note').value"), "half a sentence");
  other.page.words = "moved here";
  await other.open(port);
  await until(url, () => run("return location.href"));
  await until("connected", () => text("[data-live-state]"));
  assert.equal(await text("#words"), "moved here");
  assert.equal(await run("return document.getElementById('note').value"), "half a sentence");
  assert.equal(await run("return document.activeElement.id"), "note");
  await visit("about:blank");
  await other.close();
});

claim("the_policy_of_the_page_is_not_violated", async (server) => {
  await open(server);
  await ask("POST", `${session}/se/log`, { type: "browser" });
  edit(server, "two");
  await until("two", () => text("#words"));
  const log = await ask("POST", `${session}/se/log`, { type: "browser" });
  assert.deepEqual(log.filter(({ message }) => /security policy/i.test(message)), []);
  // Control: the log would show it.
  await run("document.body.appendChild(document.createElement('script')).textContent = '1'");
  const violated = await ask("POST", `${session}/se/log`, { type: "browser" });
  assert.match(JSON.stringify(violated), /security policy/i);
});
