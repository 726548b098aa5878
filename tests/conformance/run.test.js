// run.test.js - the cases of cases.json, with the SDK of $TWINSIM_SDK as the judge. README.md tells how it hangs together.
//
// $TWINSIM_CASES: only cases whose id begins so. What came out goes to build-test/sdk-LANGUAGE/results.json.
'use strict';
const { test } = require('node:test');
const fs = require('node:fs');
const path = require('node:path');
const { Case, Hub, assert } = require('./lib/case.js');
const { Driver } = require('./lib/driver.js');
const { areas, cases, fingerprint, kindsOf, logic, pinsOf, settingsOf } = require('./lib/list.js');

const language = process.env.TWINSIM_SDK ?? 'node';
const only = process.env.TWINSIM_CASES ?? '';
const { jobs } = settingsOf(language);

test('every case of the list has its logic, and the other way round', () => {
  for (const area of areas) assert.deepEqual(Object.keys(logic(area)).sort(), cases.filter((c) => c.area === area).map((c) => c.id).sort());
});

test(`the device SDK for ${language}`, { concurrency: jobs }, async (t) => {
  const hub = await Hub.start(t);
  const driver = await Driver.start(language, hub.ca);
  const results = {};
  t.after(async () => {
    const told = { ...driver.hello, pins: pinsOf(language), cases: Object.fromEntries(cases.filter((c) => results[c.id]).map((c) => [c.id, results[c.id]])) };
    fs.writeFileSync(path.join(path.dirname(driver.log), 'results.json'), `${JSON.stringify(told).replaceAll('},"', '},\n"')}\n`);
    assert.equal(await driver.quit(), 0, `the driver ends with status 0; see ${driver.log}`);
  });

  const runs = cases.filter((c) => c.id.startsWith(only) && !c.not?.[language]).flatMap((entry) => kindsOf(entry).map((kind) => ({ entry, kind })));
  await Promise.all(runs.map(({ entry, kind }) =>
    t.test(`${kind}, ${entry.id}: ${entry.title} (facts ${entry.facts.join(', ')})`, async (inner) => {
      const run = logic(entry.area)[entry.id];
      const result = (results[entry.id] ??= { of: fingerprint(entry) });
      result[kind] = 'failed';
      const x = new Case({ hub: entry.hub === 'own' ? await Hub.start(inner, run.hub) : hub, driver, entry, kind });
      try {
        await run(x);
      } finally {
        await x.end();
      }
      result[kind] = 'passed';
    })));
});
