// Reads frames with what the Kaitai compiler makes of petrichor.ksy: one input a line, in hex; what it
// saw of each is one line of JSON. An element is its kind and its payload in hex, or its elements.
'use strict';

const fs = require('fs');
const path = require('path');
const vm = require('vm');
const yaml = require('js-yaml');
const compiler = require('kaitai-struct-compiler');
const KaitaiStream = require('kaitai-struct/KaitaiStream');

async function load(file) {
  const files = await compiler.compile('javascript', yaml.load(fs.readFileSync(file, 'utf8')), null, false);
  const module = { exports: {} };
  vm.runInThisContext(`(function (exports, module, require) {${files['Petrichor.js']}\n})`)(
    module.exports, module, () => KaitaiStream);
  return module.exports.Petrichor || module.exports;
}

function shown(Petrichor, element) {
  const kind = Petrichor.Kind[element.tag];
  if (kind === 'LIST' || kind === 'DICT') {
    return { kind, elements: element.inner.elements.map((e) => shown(Petrichor, e)) };
  }
  return { kind, payload: Buffer.from(element.payload).toString('hex') };
}

function read(Petrichor, hex) {
  try {
    const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
    const { frames } = new Petrichor(new KaitaiStream(bytes.buffer));
    return { frames: frames.map((f) => [shown(Petrichor, f.header), shown(Petrichor, f.body)]) };
  } catch (e) {
    return { error: String(e) };
  }
}

load(path.join(__dirname, 'petrichor.ksy')).then((Petrichor) => {
  const lines = fs.readFileSync(0, 'latin1').split('\n').slice(0, -1);
  for (const line of lines) {
    process.stdout.write(JSON.stringify(read(Petrichor, line)) + '\n');
  }
}).catch((e) => { console.error(e); process.exit(2); });
