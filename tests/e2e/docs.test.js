// docs.test.js - what the documents show is true: their scenarios fit the schema, and those that can be run here pass.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { binaries } = require('../support/hub.js');
const { readCommented, validate } = require('../support/json-schema.js');
const { runScenario } = require('../support/runner.js');

const ROOT = path.resolve(__dirname, '../..');
const schema = JSON.parse(fs.readFileSync(path.join(ROOT, 'fixtures/schema/scenario.schema.json')));

const documents = [path.join(ROOT, 'README.md'), ...fs.readdirSync(path.join(ROOT, 'docs'), { recursive: true }).filter((name) => name.endsWith('.md')).map((name) => path.join(ROOT, 'docs', name))];
/** The blocks of a document that are whole scenarios. */
const scenariosOf = (file) => [...fs.readFileSync(file, 'utf8').matchAll(/```jsonc?\n([\s\S]*?)```/g)].map(([, text]) => text).filter((text) => /^\{\s*("\$schema"[^\n]*\n\s*)?"name":/.test(text) && text.includes('"steps"'));

test('every scenario that a document shows fits the schema', () => {
  let count = 0;
  for (const file of documents) {
    for (const text of scenariosOf(file)) {
      assert.deepEqual(validate(schema, readCommented(text)), [], path.relative(ROOT, file));
      count++;
    }
  }
  assert.ok(count >= 5, `${count} scenarios found`);
});

test('the scenario for the C agent passes with the reference agent in its place, configured by the same file (S-09)', async (t) => {
  const [text] = scenariosOf(path.join(ROOT, 'docs/how-to/run-a-security-agent.md'));
  const here = text.replace('/path/to/ASCIoTAgent', path.join(binaries(), 'security-agent')).replace('../fixtures', path.join(ROOT, 'fixtures'));
  const { code, stdout } = await runScenario(t, here);
  assert.equal(code, 0, stdout);
});
