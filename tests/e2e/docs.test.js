// docs.test.js - what the documents show is true: their scenarios fit the schema, and those that can be run here pass.
'use strict';
const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { promisify } = require('node:util');
const { binaries, freeAddress } = require('../support/hub.js');
const { readCommented, validate } = require('../support/json-schema.js');
const { runScenario } = require('../support/runner.js');
const { environment, temporary } = require('../support/twinsim.js');

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

test('the hub to poke at of the README does what it says, line by line', async (t) => {
  const text = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');
  const section = text.slice(text.indexOf('## A hub to poke at'), text.indexOf('## Five situations'));
  const lines = [...section.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block).join('');
  for (const expected of ['./scripts/build\n', 'export TWINSIM_DATA=/tmp/my-hub\n', 'twinsim up --detach ', 'security-agent & ', 'twinsim monitor ']) assert.ok(lines.includes(expected), expected);
  const script = lines // as it stands, but for the build, where it is, and what a person ends by hand
    .replace('./scripts/build\nexport PATH="$PWD/build/bin:$PATH"\n', '')
    .replace('/tmp/my-hub', temporary(t))
    .replace('twinsim up --detach ', `trap 'kill $agent; twinsim down' EXIT; twinsim up --host ${await freeAddress()} --detach `)
    .replace('security-agent & ', 'security-agent 2>/dev/null & agent=$! ')
    .replace(/^twinsim monitor .*$/m, 'twinsim monitor --count 1 & while kill -0 $! 2>/dev/null; do twinsim twin update edge-1 --tags \'{"seen":true}\' >/dev/null; done');
  const env = environment({ PATH: `${binaries()}:${process.env.PATH}` });
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], { env, cwd: ROOT, timeout: 60000 });
  for (const said of [/^ready mqtts=/, /^created edge-1$/m, /^HostName=127[^\n]*;ModuleId=azureiotsecurity;SharedAccessKey=/m, /^[\d:.]+ +\S+ +(connected|subscribed|twin-get|reported|tags) /m,
    /"snapshotFrequency": \{\n +"value": "PT2M"/, /^VERSION DESIRED REPORTED/m, /^message 1 waits until /m, /^stopped the hub on /m]) assert.match(stdout, said);
});
