// list.js - the list of cases, what each does, and what a result is of.
'use strict';
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const HERE = path.join(__dirname, '..');

const cases = JSON.parse(fs.readFileSync(path.join(HERE, 'cases.json'), 'utf8'));
const areas = [...new Set(cases.map((c) => c.area))];
/** What the cases of an area do, by their ids. */
const logic = (area) => require(`../cases/${area}.js`);

const kindsOf = ({ clients }) => (clients === 'both' ? ['device', 'module'] : [clients]);
const hash = (...parts) => crypto.createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 8);
/** Another one when the case is another one: then its results are of no worth any more. */
const fingerprint = ({ title, facts, clients }) => hash(title, facts, clients);
const settingsOf = (language) => JSON.parse(fs.readFileSync(path.join(HERE, language, 'driver.json'), 'utf8'));
/** Another one when another version of the SDK is pinned. */
const pinsOf = (language) => hash(...settingsOf(language).pins.map((file) => fs.readFileSync(path.join(HERE, language, file), 'utf8')));

module.exports = { HERE, areas, cases, fingerprint, kindsOf, logic, pinsOf, settingsOf };
