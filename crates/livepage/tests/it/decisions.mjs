// The parts of the script that decide something, as tables.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

const { hear, pause, align } = createRequire(import.meta.url)("../../src/page.js");
const blank = { state: "connecting", problems: {} };
const after = (...frames) => frames.reduce((known, [name, data]) => hear(known, name, data, "now"), blank);
const hello = ["hello", { instance: "a", build: "1", generation: 1 }];
const bad = ["problem", { source: "config", message: "bad config" }];
const worse = ["problem", { source: "templates", message: "bad template" }];

test("a_problem_stays_until_it_is_solved_or_overtaken", () => {
  for (const [frames, problems] of [
    [[hello, bad], { config: "bad config" }],
    [[hello, bad, worse], { config: "bad config", templates: "bad template" }],
    [[hello, bad, ["problem", { source: "config", message: "other" }]], { config: "other" }],
    [[hello, bad, worse, ["solved", { source: "config" }]], { templates: "bad template" }],
    [[hello, bad, worse, ["solved", {}]], {}],
    [[hello, bad, worse, ["config", { generation: 2, changed: ["port"] }]], { templates: "bad template" }],
    [[hello, bad, worse, ["template", { changed: ["index.html"] }]], { config: "bad config" }],
    [[hello, bad, hello], {}],
    [[hello, bad, hello, bad], { config: "bad config" }],
  ])
    assert.deepEqual(after(...frames).problems, problems, JSON.stringify(frames));
});

test("what_changed_last_is_told", () => {
  for (const [frames, changed, at] of [
    [[hello], undefined, undefined],
    [[hello, ["config", { generation: 2, changed: ["port", "settings.log_level"] }]], "port, settings.log_level", "now"],
    [[hello, ["template", { changed: ["index.html"] }]], "index.html", "now"],
    [[hello, hello], undefined, undefined],
    [[hello, ["hello", { instance: "b", build: "1", generation: 1 }]], "the server (restarted)", "now"],
    [[hello, ["hello", { instance: "b", build: "2", generation: 1 }]], "the server (a new build)", "now"],
    [[hello, bad], undefined, undefined],
  ]) {
    const known = after(...frames);
    assert.deepEqual([known.changed, known.at], [changed, at], JSON.stringify(frames));
  }
});

test("pauses_grow_to_a_limit_and_differ_between_clients", () => {
  assert.equal(pause(0, 1), 250);
  assert.equal(pause(2, 1), 1000);
  assert.equal(pause(99, 1), 4000);
  assert.equal(pause(99, 0), 2000);
});

test("lists_are_paired_in_order_by_the_best_sum_of_fits", () => {
  const fit = (old, fresh) => (old === fresh ? 3 : old[0] === fresh[0] ? 1 : 0);
  const pairs = (olds, news) => [...align(olds, news, fit)].map(([fresh, old]) => `${old}>${fresh}`).sort();
  assert.deepEqual(pairs(["a1", "a2"], ["a0", "a1", "a2"]), ["a1>a1", "a2>a2"], "one is put before");
  assert.deepEqual(pairs(["a1", "b1", "a2"], ["a1", "a2"]), ["a1>a1", "a2>a2"], "one is taken out");
  assert.deepEqual(pairs(["a1"], ["a9"]), ["a1>a9"], "one is edited");
  assert.deepEqual(pairs(["a1"], ["b1"]), [], "nothing fits");
  assert.deepEqual(pairs([], ["a1"]), []);
  const long = Array.from({ length: 1500 }, (_, at) => `a${at}`);
  assert.equal(align(long, long, fit).size, 1500, "a long list is paired by place");
});
