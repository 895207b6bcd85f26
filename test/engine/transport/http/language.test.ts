import { describe, expect, it } from 'vitest';
import { chooseLanguage } from '../../../../engine/transport/http/language.ts';

describe('chooseLanguage', () => {
  it.each([
    ['', 'en'],
    ['*', 'en'],
    ['de', 'en'],
    ['zh', 'zh'],
    ['ZH-Hant-TW', 'zh'],
    ['zh-CN,zh;q=0.9,en;q=0.8', 'zh'],
    ['en-US,en;q=0.9,zh;q=0.8', 'en'],
    ['en;q=0.5, zh;q=0.7', 'zh'],
    ['de, zh;q=0.3', 'zh'],
    ['en, zh', 'en'],
    ['zh, en', 'zh'],
    ['zh;q=0', 'en'],
    ['zh;q=nonsense', 'en'],
    ['xzh', 'en'],
    [`${'zh,'.repeat(10_000)}en`, 'zh'],
  ])('%.40s is %s', (header, language) => {
    expect(chooseLanguage(header)).toBe(language);
  });
});
