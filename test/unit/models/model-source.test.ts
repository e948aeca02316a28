import { describe, expect, it } from 'vitest'
import { Hub } from '../../../native-host/models/hub.ts'
import { parseSource } from '../../../native-host/models/model-source.ts'
import { Registry } from '../../../native-host/models/registry.ts'

const registry = Registry.load()
const hub = new Hub({ host: 'https://huggingface.co' })
const parse = (text: string, options = {}) => parseSource(text, registry, hub, options)

describe('what a pull names', () => {
  it('a model of the registry, in any case, with its tokenizer', () => {
    expect(parse('Ternary-Bonsai-8B')).toMatchObject({
      name: 'ternary-bonsai-8b',
      url: 'https://huggingface.co/prism-ml/Ternary-Bonsai-8B-gguf/resolve/main/Ternary-Bonsai-8B-Q2_0_g64.gguf',
      file: 'Ternary-Bonsai-8B-Q2_0_g64.gguf',
      sha256: null,
      tokenizer: {
        listed: true,
        urls: [
          'https://huggingface.co/prism-ml/Ternary-Bonsai-8B-unpacked/resolve/main/tokenizer.json',
          'https://huggingface.co/prism-ml/Ternary-Bonsai-8B-unpacked/resolve/main/tokenizer_config.json',
        ],
      },
    })
  })

  it.each([
    ['hf:a/b/Nice.Q2_0.gguf', 'nice.q2_0', 'https://huggingface.co/a/b/resolve/main/Nice.Q2_0.gguf'],
    [
      'hf:a/Some-Thing-GGUF/ggml-model-i2_s.gguf',
      'some-thing',
      'https://huggingface.co/a/Some-Thing-GGUF/resolve/main/ggml-model-i2_s.gguf',
    ],
    ['hf:a/b@v1.0/sub/x.gguf', 'x', 'https://huggingface.co/a/b/resolve/v1.0/sub/x.gguf'],
    ['hf:a/b@refs/x.gguf', 'x', 'https://huggingface.co/a/b/resolve/refs/x.gguf'],
    [
      'https://huggingface.co/a/b/blob/main/X.gguf?download=true',
      'x',
      'https://huggingface.co/a/b/resolve/main/X.gguf?download=true',
    ],
    ['https://elsewhere.example/a/b/blob/main/X.gguf', 'x', 'https://elsewhere.example/a/b/blob/main/X.gguf'],
    ['https://elsewhere.example/my%20model.gguf', 'my-model', 'https://elsewhere.example/my%20model.gguf'],
  ])('%s', (text, name, url) => {
    expect(parse(text)).toMatchObject({ name, url, entry: null })
  })

  it.each([
    'hf:a/b',
    'hf:a/b/x.bin',
    'hf:a/b/.gguf',
    'hf:a/b/../x.gguf',
    'hf:a/b//x.gguf',
    'hf:a b/c/x.gguf',
    'https://h/..%2f..%2fx.gguf',
    'https://h/%2e%2e.gguf',
    'https://h/x%00.gguf',
    'https://h/',
    'file:///x.gguf',
    'nobody',
    '',
  ])('%j is refused', (text) => {
    expect(() => parse(text)).toThrow(/names no GGUF file|no owner\/repo|http or https|no model is called/)
  })

  it('takes a name, a checksum and a tokenizer of the caller', () => {
    const sha256 = 'AB'.repeat(32)
    expect(parse('hf:a/b/x.gguf', { name: 'mine', sha256, tokenizer: 'c/d@v2' })).toMatchObject({
      name: 'mine',
      sha256: sha256.toLowerCase(),
      tokenizer: {
        listed: true,
        urls: [expect.stringContaining('/c/d/resolve/v2/tokenizer.json'), expect.anything()],
      },
    })
    expect(() => parse('hf:a/b/x.gguf', { tokenizer: 'nothing' })).toThrow(/owner\/repo/)
    expect(() => parse('hf:a/b/x.gguf', { name: 'A/b' })).toThrow(/no name/)
  })
})

describe('the hub', () => {
  const token = 'secret'
  it.each([
    ['https://huggingface.co', 'https://huggingface.co/a', true],
    ['https://huggingface.co', 'https://huggingface.co:8443/a', false],
    ['https://huggingface.co', 'http://huggingface.co/a', false],
    ['https://huggingface.co', 'https://cdn-lfs.huggingface.co/a', false],
    ['https://huggingface.co', 'https://huggingface.co.evil.example/a', false],
    ['https://mirror.example/hub/', 'https://mirror.example/a', true],
    // In the clear, everybody on the way reads it.
    ['http://mirror.example', 'http://mirror.example/a', false],
    ['http://127.0.0.1:9000', 'http://127.0.0.1:9000/a', true],
    ['http://[::1]:9000', 'http://[::1]:9000/a', true],
  ])('at %s: a request to %s carries the token: %s', (host, url, carries) => {
    const headers = new Hub({ host, token }).headersFor(new URL(url))
    expect(headers).toEqual(carries ? { Authorization: 'Bearer secret' } : {})
  })

  it('may lie below a path', () => {
    const mirror = new Hub({ host: 'https://mirror.example/hub/' })
    expect(mirror.urlOf({ repo: 'a/b', revision: 'main', file: 'x y.gguf' })).toBe(
      'https://mirror.example/hub/a/b/resolve/main/x%20y.gguf',
    )
    for (const host of ['nothing', 'ftp://x', 'https://u:p@h', ''])
      expect(() => new Hub({ host })).toThrow(/models\.host/)
  })
})
