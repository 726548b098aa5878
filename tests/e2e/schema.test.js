// schema.test.js - the JavaScript checker of our tests and the harness's own mean the same by every keyword: both are held to one table,
// this one here, the other by tests/unit/test_schema.c.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { isDeepStrictEqual } = require('node:util');
const { validate } = require('../support/json-schema.js');
const cases = require(path.resolve(__dirname, '../unit/data/schema_cases.json'));

test('the JavaScript checker says of every case what the harness says of it', () => {
  assert.ok(cases.length >= 60);
  for (const { about, schema, fits, misfits } of cases) {
    for (const value of fits) assert.deepEqual(validate(schema, value), [], `${about}: ${JSON.stringify(value)}`);
    for (const value of misfits) assert.notDeepEqual(validate(schema, value), [], `${about}: ${JSON.stringify(value)}`);
  }
});

test('the JavaScript checker refuses a schema with a keyword or a format that nobody knows', () => {
  assert.throws(() => validate({ patern: 'a' }, 'a'), /'patern', which is no keyword/);
  assert.throws(() => validate({ format: 'email' }, 'a'), /'email', which is not known/);
  assert.throws(() => validate({ $ref: '#/$defs/a' }, 'a'), /which is not there/);
});

const read = (name) => JSON.parse(fs.readFileSync(path.resolve(__dirname, '../..', name), 'utf8'));
const strict = read('fixtures/schema/security-message.schema.json');
const real = read('fixtures/schema/security-message.real.schema.json');
const messages = read('tests/unit/data/security_messages.json');

/** Put a value (undefined: nothing) at a path like Payload.0.Queue. */
function change(node, where, value) {
  const keys = where.split('.');
  const last = keys.pop();
  const holder = keys.reduce((inner, key) => inner[key], node);
  if (value === undefined) delete holder[last];
  else holder[last] = value;
}

function messageOf(row) {
  const message = structuredClone({ ...messages.envelope, Events: [messages.events[row.event ?? 'Login']] });
  const node = row.event ? message.Events[0] : message;
  change(node, row.at, row.value);
  if (row.and) change(node, row.and, row.andValue);
  return message;
}

test('another checker judges security messages by both forms as the harness does (S-11, S-12, S-29)', () => {
  const all = { ...messages.envelope, Events: Object.values(messages.events) };
  assert.deepEqual(validate(strict, all), []);
  assert.deepEqual(validate(real, all), []);
  for (const row of messages.rows) {
    assert.equal(validate(strict, messageOf(row)).length > 0, 'strict' in row, `${row.about}, strict`);
    assert.equal(validate(real, messageOf(row)).length > 0, 'real' in row, `${row.about}, real`);
  }
});

/** The places at which two documents differ, and no further. */
function differences(a, b, at = '') {
  if (isDeepStrictEqual(a, b)) return [];
  const areAlike = [a, b].every((one) => typeof one === 'object' && one !== null) && Array.isArray(a) === Array.isArray(b) && a.length === b.length;
  if (!areAlike) return [at];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) => differences(a[key], b[key], `${at}/${key}`));
}

test('the two forms differ in what the real agents are known to do and in nothing else (S-29)', () => {
  const places = differences(strict, real).filter((at) => !/^\/(\$id|title|description)$|\$comment$/.test(at));
  assert.deepEqual([...new Set(places.map((at) => at.split('/').slice(1, 5).join('/')))], [
    '$defs/event/properties/Category',
    '$defs/event/allOf/1', '$defs/event/allOf/2', '$defs/event/allOf/3', '$defs/event/allOf/4',
    '$defs/time/format', '$defs/time/anyOf',
    '$defs/extraDetails/properties',
    '$defs/address/anyOf',
    '$defs/connectionCreate/properties/RemotePort',
    '$defs/login/required', '$defs/login/anyOf',
    '$defs/osBaseline/properties/Result', '$defs/osBaseline/properties/Severity',
    '$defs/droppedEventsStatistics/properties/Queue',
  ]);
});
