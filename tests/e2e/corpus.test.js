// corpus.test.js - the scenario files in tests/unit/data/scenarios: `twinsim lint` and the published schema are held to every one.
//
//   good/NNN-what.jsonc  one construct each; the first line says which
//   bad/NNN-what.jsonc   one mistake each; the first line says what lint says, "// line:column: message", with an … for a list that grows.
//                        A second line "// the schema cannot tell: CLASS" marks what takes more than a schema; without it the schema
//                        refuses the file, too
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { readCommented, validate } = require('../support/json-schema.js');
const { twinsim } = require('../support/twinsim.js');

const ROOT = path.resolve(__dirname, '../..');
const CORPUS = path.join(ROOT, 'tests/unit/data/scenarios');
const schema = JSON.parse(fs.readFileSync(path.join(ROOT, 'fixtures/schema/scenario.schema.json')));

/** What a schema cannot say, and why. Nothing else may be accepted by the one and refused by the other. */
const classes = {
  variables: 'which names are known depends on what stands before',
  rows: 'the rows of a table are compared with each other',
  blocks: 'the blocks are in another file',
  files: 'whether a file is there, and what is in it',
  aliases: 'what an alias stands for is compared with what is written',
  quotes: 'words are split by a reader of quotes',
  expressions: 'only an engine knows a regular expression',
  'the agent': 'whether a step has somebody to act on depends on the whole',
};

function corpus(folder) {
  const dir = path.join(CORPUS, folder);
  return fs.readdirSync(dir).filter((name) => name.endsWith('.jsonc')).sort().map((name) => {
    const text = fs.readFileSync(path.join(dir, name), 'utf8');
    const [first, second] = text.split('\n');
    return { name, file: path.join(dir, name), text, says: first.replace(/^\/\/ /, ''), unknown: second.match(/^\/\/ the schema cannot tell: (.*)$/)?.[1] };
  });
}
const good = corpus('good');
const bad = corpus('bad');

test('the corpus is large, numbered, and each file says what it is for', () => {
  assert.ok(good.length + bad.length >= 250);
  for (const files of [good, bad]) {
    assert.deepEqual(files.map((one) => Number(one.name.slice(0, 3))), files.map((_, i) => i + 1));
    for (const one of files) assert.match(one.text, /^\/\/ \S/, one.name);
  }
  for (const one of bad) assert.match(one.says, /^\d+:\d+: \S/, one.name);
});

test('every good file is good for lint and for the schema', async () => {
  const { code, stderr } = await twinsim('lint', ...good.map((one) => one.file));
  assert.equal(stderr, '');
  assert.equal(code, 0);
  for (const one of good) assert.deepEqual(validate(schema, readCommented(one.text)), [], one.name);
});

test('of every bad file lint tells its one mistake, at its place, in the words that stand in it', async () => {
  const { code, stderr } = await twinsim('lint', ...bad.map((one) => one.file));
  assert.equal(code, 3);
  const lines = stderr.trim().split('\n');
  for (const one of bad) {
    const said = lines.filter((line) => line.startsWith(`${one.file}:`)).map((line) => line.slice(one.file.length + 1));
    const [begin, end] = one.says.split('…');
    const fits = end === undefined ? said[0] === begin : said[0]?.startsWith(begin) && said[0].endsWith(end);
    assert.ok(said.length === 1 && fits, `${one.name}\n wants ${one.says}\n  said ${said.join('\n       ')}`);
  }
  assert.equal(lines.length, bad.length);
});

test('the schema refuses every bad file, but for what no schema can tell', () => {
  for (const one of bad) {
    if (one.unknown === 'it is no JSON') {
      assert.throws(() => readCommented(one.text), SyntaxError, one.name);
      continue;
    }
    const problems = validate(schema, readCommented(one.text));
    if (one.unknown === undefined) {
      assert.notDeepEqual(problems, [], one.name);
    } else {
      assert.ok(one.unknown in classes, `${one.name}: '${one.unknown}' is a class`);
      assert.deepEqual(problems, [], one.name);
    }
  }
  for (const name of Object.keys(classes)) assert.ok(bad.some((one) => one.unknown === name), `a file of the class ${name}`);
});
