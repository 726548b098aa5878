// junit.js - reads a JUnit report as strictly as its strictest readers (junit.xsd): throws on what they would refuse.
//
//   const { suites } = readJunit(xml);  // [{ name, tests, failures, errors, skipped, time, cases: [{ name, classname, time, outcome, message, type, text, out }] }]
'use strict';
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');

const ENTITY = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const ATTRIBUTES = { // required, optional
  testsuites: [[], ['time', 'tests', 'failures', 'errors']],
  testsuite: [['name', 'tests', 'failures', 'errors', 'skipped', 'time'], []],
  testcase: [['name', 'classname', 'time'], []],
  failure: [['type'], ['message']], error: [['type'], ['message']], skipped: [[], ['message']], 'system-out': [[], []],
};

function unescape(text) {
  assert.doesNotMatch(text, /<|&(?!(amp|lt|gt|quot|apos|#\d+);)/, 'markup is escaped');
  return text.replace(/&(?:#(\d+)|(\w+));/g, (all, code, name) => (code ? String.fromCodePoint(Number(code)) : ENTITY[name]));
}

/** Elements and texts, in order; the structure is checked by whoever walks them. */
function parse(xml) {
  // eslint-disable-next-line no-control-regex
  assert.doesNotMatch(xml, /[\0-\x08\x0B\x0C\x0E-\x1F\uFFFE\uFFFF]/, 'only characters that XML can hold');
  assert.ok(xml.startsWith('<?xml version="1.0" encoding="UTF-8"?>\n'));
  const root = { children: [], text: '' };
  const stack = [root];
  const token = /<(\/?)([\w-]+)((?:\s+[\w-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;
  token.lastIndex = xml.indexOf('\n') + 1;
  while (token.lastIndex < xml.length) {
    const at = token.lastIndex;
    const match = token.exec(xml);
    assert.ok(match, `no XML: ${xml.slice(at, at + 60)}`);
    const [, close, name, attributes, empty, text] = match;
    const top = stack.at(-1);
    if (text !== undefined) {
      top.text += unescape(text);
    } else if (close) {
      assert.equal(stack.pop().tag, name);
    } else {
      const node = { tag: name, children: [], text: '', attributes: {} };
      for (const [, key, value] of attributes.matchAll(/([\w-]+)="([^"]*)"/g)) {
        assert.ok(!(key in node.attributes), `${key} stands once`);
        node.attributes[key] = unescape(value);
      }
      const [required, optional] = ATTRIBUTES[name] ?? assert.fail(`no element is called ${name}`);
      for (const key of required) assert.ok(key in node.attributes, `${name} has ${key}`);
      for (const key of Object.keys(node.attributes)) assert.ok(required.includes(key) || optional.includes(key), `${name} knows no ${key}`);
      top.children.push(node);
      if (!empty) stack.push(node);
    }
  }
  assert.equal(stack.length, 1, 'everything that was opened is closed');
  return root;
}

function readJunit(xml) {
  const { children: [top, ...more] } = parse(xml);
  assert.deepEqual([top.tag, more.length], ['testsuites', 0]);
  const suites = top.children.map((suite) => {
    assert.equal(suite.tag, 'testsuite');
    const cases = suite.children.map((one) => {
      assert.equal(one.tag, 'testcase');
      assert.match(one.attributes.time, /^\d+(\.\d+)?$/);
      const outcomes = one.children.filter((child) => child.tag !== 'system-out');
      assert.ok(outcomes.length <= 1 && (!outcomes[0] || one.children[0] === outcomes[0]), 'one outcome, and first');
      const outcome = outcomes[0];
      return { ...one.attributes, outcome: outcome?.tag ?? 'passed', ...outcome?.attributes, text: outcome?.text, out: one.children.find((child) => child.tag === 'system-out')?.text };
    });
    const count = (outcome) => String(cases.filter((one) => one.outcome === outcome).length);
    const { tests, failures, errors, skipped } = suite.attributes;
    assert.deepEqual({ tests, failures, errors, skipped }, { tests: String(cases.length), failures: count('failure'), errors: count('error'), skipped: count('skipped') });
    return { ...suite.attributes, cases };
  });
  return { suites };
}

/** What a schema validator says of a file: '' when it is valid, null when there is no validator here. */
function judgeJunit(file) {
  const { error, status, stderr } = spawnSync('xmllint', ['--noout', '--nonet', '--schema', path.join(__dirname, 'junit.xsd'), file], { encoding: 'utf8' });
  if (error) return null;
  return status === 0 ? '' : stderr;
}

module.exports = { judgeJunit, readJunit };
