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
const { temporary, twinsim } = require('../support/twinsim.js');

const ROOT = path.resolve(__dirname, '../..');
const CORPUS = path.join(ROOT, 'tests/unit/data/scenarios');
const schema = JSON.parse(fs.readFileSync(path.join(ROOT, 'fixtures/schema/scenario.schema.json')));

/** What a schema cannot say: which names are known, what another file holds, what an engine or a reader of quotes thinks of a text,
 * what the hub thinks of a fault as a whole. By class, how lint begins to say it. Nothing else may be accepted by the one and refused by the other. */
const classes = {
  twins: /^this member is given twice$/,
  variables: /^(no variable is called|a variable is written)/,
  rows: /^(this|the first) row of 'each' has no/,
  blocks: /^no block is called/,
  files: /^(cannot read|\S+ holds no JSON object)/,
  aliases: /^(the alias|'[^']*' stands for a place that was given already)/,
  quotes: /quotes must be closed/,
  expressions: /^\$regex wants/,
  'the hub': /^('\w+' needs an 'operation'|'for' is longer than no time|a CONNECT has no topic|'body' may hold|'rate' is at least)/,
  identities: /^no identity is called/,
  'the agent': /^(whom does this act on|this scenario has no agent|'[^']*' is no (target|agent) \(|'agent' is no name for an agent)/,
};
const classOf = (said) => Object.keys(classes).find((name) => classes[name].test(said.replace(/^\d+:\d+: /, '')));

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
      assert.equal(classOf(one.says), one.unknown, one.name);
      assert.deepEqual(problems, [], one.name);
    }
  }
  for (const name of Object.keys(classes)) assert.ok(bad.some((one) => one.unknown === name), `a file of the class ${name}`);
});

/** All that one change makes of a document: each member and element gone, or of another type, or with a stranger beside it. */
function* mutantsOf(document) {
  const others = [null, 1, -1, 1.5, 'x', '', true, [], {}, ['x'], [1], { a: 1 }, { '': 1 }];
  function* walk(path) {
    const at = (root) => path.reduce((node, key) => node[key], root);
    const changed = (fn) => {
      const copy = structuredClone(document);
      fn(at(copy));
      return copy;
    };
    const node = at(document);
    for (const key of Object.keys(node)) {
      for (const other of others) yield changed((one) => (one[key] = other));
      yield changed((one) => (Array.isArray(one) ? one.splice(Number(key), 1) : delete one[key]));
      if (!Array.isArray(node)) yield changed((one) => (one.stranger = 1));
      if (typeof node[key] === 'object' && node[key] !== null) yield* walk([...path, key]);
    }
  }
  yield* walk([]);
}

test('no one change to a good file makes lint and the schema disagree', async (t) => {
  const dir = temporary(t);
  for (const folder of ['include', 'twins']) fs.cpSync(path.join(CORPUS, 'good', folder), path.join(dir, folder), { recursive: true });
  const all = good.flatMap((one) => [...mutantsOf(readCommented(one.text))]);
  const sample = all.filter((_, i) => i % 8 === 0); // eight and fifteen share no factor, so every kind of change is met
  const files = sample.map((document, i) => {
    const file = path.join(dir, `${i}.jsonc`);
    fs.writeFileSync(file, JSON.stringify(document, null, 1));
    return file;
  });
  const { code, stderr } = await twinsim('lint', ...files);
  assert.equal(code, 3);
  const said = new Map();
  for (const line of stderr.trim().split('\n')) {
    const [, i, text] = /\/(\d+)\.jsonc:\d+:\d+: (.*)$/.exec(line) ?? assert.fail(line);
    said.set(Number(i), [...(said.get(Number(i)) ?? []), text]);
  }
  sample.forEach((document, i) => {
    const lint = said.get(i) ?? [];
    const isBad = validate(schema, document).length > 0;
    if (isBad) assert.ok(lint.length > 0, `the schema refuses what lint accepts: ${JSON.stringify(document)}`);
    else assert.ok(lint.every(classOf), `lint refuses what the schema accepts: ${lint}\n${JSON.stringify(document)}`);
  });
});
