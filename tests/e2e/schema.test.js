// schema.test.js - the JavaScript checker of our tests and the harness's own mean the same by every keyword: both are held to one table,
// this one here, the other by tests/unit/test_schema.c.
'use strict';
const assert = require('node:assert/strict');
const path = require('node:path');
const { test } = require('node:test');
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
