// json-schema.js - a small JSON Schema validator: the part of draft 7 that our schemas use, and nothing else.
//
//   validate(schema, value)   // [] when it is valid, else what is wrong: ["/steps/0: ..."]
// A keyword that it does not know is an error in the schema, so that a misspelt one is noticed.
'use strict';

const typeOf = (value) => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);
const isObject = (value) => typeOf(value) === 'object';
const hasType = (value, type) => typeOf(value) === type || (type === 'integer' && Number.isInteger(value));
const silent = new Set(['$schema', '$id', 'title', 'description', 'definitions', 'then', 'else', 'additionalItems', '$ref']);
const equal = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** One function a keyword: (argument, value, context) => list of problems. */
const keywords = {
  type: (types, value, c) => ([types].flat().some((type) => hasType(value, type)) ? [] : [`${c.at}: is ${typeOf(value)}, not ${types}`]),
  enum: (list, value, c) => (list.some((one) => equal(one, value)) ? [] : [`${c.at}: is none of ${list}`]),
  const: (one, value, c) => (equal(one, value) ? [] : [`${c.at}: is not ${one}`]),
  required: (names, value, c) => (isObject(value) ? names.filter((name) => !Object.hasOwn(value, name)).map((name) => `${c.at}: needs ${name}`) : []),
  minLength: (n, value, c) => (typeof value !== 'string' || value.length >= n ? [] : [`${c.at}: is too short`]),
  pattern: (text, value, c) => (typeof value !== 'string' || new RegExp(text, 'u').test(value) ? [] : [`${c.at}: does not fit ${text}`]),
  minimum: (n, value, c) => (typeof value !== 'number' || value >= n ? [] : [`${c.at}: is below ${n}`]),
  maximum: (n, value, c) => (typeof value !== 'number' || value <= n ? [] : [`${c.at}: is above ${n}`]),
  minItems: (n, value, c) => (!Array.isArray(value) || value.length >= n ? [] : [`${c.at}: has too few elements`]),
  minProperties: (n, value, c) => (!isObject(value) || Object.keys(value).length >= n ? [] : [`${c.at}: has too few members`]),
  propertyNames: (schema, value, c) => (isObject(value) ? Object.keys(value).flatMap((key) => check(schema, key, { ...c, at: `${c.at}/${key} (the name)` })) : []),
  properties: (map, value, c) => (isObject(value) ? Object.keys(map).filter((key) => Object.hasOwn(value, key)).flatMap((key) => check(map[key], value[key], { ...c, at: `${c.at}/${key}` })) : []),
  patternProperties: (map, value, c) =>
    isObject(value) ? Object.keys(value).flatMap((key) => Object.keys(map).filter((p) => new RegExp(p, 'u').test(key)).flatMap((p) => check(map[p], value[key], { ...c, at: `${c.at}/${key}` }))) : [],
  additionalProperties: (schema, value, c) => {
    if (!isObject(value)) return [];
    const isNamed = (key) => Object.hasOwn(c.schema.properties ?? {}, key) || Object.keys(c.schema.patternProperties ?? {}).some((p) => new RegExp(p, 'u').test(key));
    return Object.keys(value).filter((key) => !isNamed(key)).flatMap((key) => check(schema, value[key], { ...c, at: `${c.at}/${key}` }));
  },
  items: (schema, value, c) => {
    if (!Array.isArray(value)) return [];
    const of = (i) => (Array.isArray(schema) ? schema[i] ?? c.schema.additionalItems ?? true : schema);
    return value.flatMap((one, i) => check(of(i), one, { ...c, at: `${c.at}/${i}` }));
  },
  allOf: (list, value, c) => list.flatMap((schema) => check(schema, value, c)),
  anyOf: (list, value, c) => (list.some((schema) => check(schema, value, c).length === 0) ? [] : [`${c.at}: fits none of ${list.length} forms`]),
  oneOf: (list, value, c) => {
    const n = list.filter((schema) => check(schema, value, c).length === 0).length;
    return n === 1 ? [] : [`${c.at}: fits ${n} of ${list.length} forms, not one`];
  },
  not: (schema, value, c) => (check(schema, value, c).length ? [] : [`${c.at}: must not be so`]),
  if: (schema, value, c) => {
    const branch = check(schema, value, c).length === 0 ? c.schema.then : c.schema.else;
    return branch === undefined ? [] : check(branch, value, c);
  },
};

function resolve(root, ref) {
  const found = ref.replace(/^#\//, '').split('/').reduce((node, key) => node?.[key], root);
  if (found === undefined) throw new Error(`the schema names ${ref}, which is not there`);
  return found;
}

function check(schema, value, context) {
  if (schema === true) return [];
  if (schema === false) return [`${context.at}: must not be there`];
  const here = { ...context, schema };
  const problems = schema.$ref ? check(resolve(context.root, schema.$ref), value, context) : [];
  for (const [keyword, argument] of Object.entries(schema)) {
    if (silent.has(keyword)) continue;
    if (!keywords[keyword]) throw new Error(`the schema uses '${keyword}', which is no keyword`);
    problems.push(...keywords[keyword](argument, value, here));
  }
  return problems;
}

const validate = (schema, value) => check(schema, value, { root: schema, at: '' });

/** Read JSON with comments and trailing commas. */
function readCommented(text) {
  const plain = text.replace(/"(?:\\.|[^"\\])*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (found) => (found.startsWith('"') ? found : ' '.repeat(found.length)));
  return JSON.parse(plain.replace(/"(?:\\.|[^"\\])*"|,(?=\s*[}\]])/g, (found) => (found === ',' ? ' ' : found)));
}

module.exports = { validate, readCommented };
