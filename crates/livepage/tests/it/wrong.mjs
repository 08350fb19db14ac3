// The control: a claim that does not hold, and must be seen to fail.
import assert from "node:assert/strict";
import { test } from "node:test";

test("one_is_two", () => assert.equal(1, 2));
