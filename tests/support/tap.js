// tap.js - reads a TAP 14 report strictly, for tests: [{ok, number, name, directive, yaml}].
//
// Throws on anything that is no version, plan, test point, YAML block or bail-out in its place. YAML is read as far as reports
// use it: keys with JSON values, or with a block of such two blanks further in.
'use strict';
const assert = require('node:assert/strict');

function readTap(text) {
  const lines = text.split('\n');
  assert.equal(lines.shift(), 'TAP version 14');
  assert.equal(lines.pop(), '', 'the last line is a whole one');
  const plan = /^1\.\.(\d+)$/.exec(lines.shift());
  assert.ok(plan, 'the plan');
  const points = [];
  let bail;
  while (lines.length) {
    const line = lines.shift();
    assert.equal(bail, undefined, 'nothing follows a bail-out');
    bail = /^Bail out! (.+)$/.exec(line)?.[1];
    if (bail) continue;
    const point = /^(ok|not ok) (\d+) - ((?:\\[#\\]|[^#\\])*?)(?: # (SKIP)(?: (.*))?)?$/.exec(line);
    assert.ok(point, `a test point: ${line}`);
    assert.equal(Number(point[2]), points.length + 1);
    points.push({ ok: point[1] === 'ok', name: point[3].replace(/\\([#\\])/g, '$1'), directive: point[4], yaml: lines[0] === '  ---' ? readYaml(lines) : {} });
  }
  assert.equal(points.length, Number(plan[1]));
  return { points, bail };
}

function readYaml(lines) {
  const yaml = {};
  let inner;
  for (lines.shift(); lines[0] !== '  ...'; lines.shift()) {
    const entry = /^ {2}( {2})?(\w+):(?: (.+))?$/.exec(lines[0]);
    assert.ok(entry && (!entry[1] || inner), `a line of YAML: ${lines[0]}`);
    if (entry[3] === undefined) yaml[entry[2]] = inner = {};
    else (entry[1] ? inner : yaml)[entry[2]] = /^\w+$/.test(entry[3]) && !/^\d/.test(entry[3]) ? entry[3] : JSON.parse(entry[3]);
    if (!entry[1] && entry[3] !== undefined) inner = undefined;
  }
  lines.shift();
  return yaml;
}

module.exports = { readTap };
