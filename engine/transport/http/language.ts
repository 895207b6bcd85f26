/** The languages in which results are told. */
export type Language = 'en' | 'zh';

/** Chooses by an Accept-Language header (RFC 9110, 12.5.4); English unless Chinese is preferred. */
export function chooseLanguage(header: string): Language {
  if (header === '' || !/zh/i.test(header)) return 'en';
  const best = { en: 0, zh: 0 };
  for (const range of header.split(',', 32)) {
    const [tag = '', ...parameters] = range.trim().toLowerCase().split(';', 4);
    const quality = readQuality(parameters);
    const primary = tag.trim().split('-', 1)[0];
    if (primary === 'zh' || primary === 'en') best[primary] = Math.max(best[primary], quality);
  }
  return best.zh > best.en ? 'zh' : firstOf(header, best);
}

/** Of equal preferences the one named first counts. */
function firstOf(header: string, best: { en: number; zh: number }): Language {
  if (best.zh === 0 || best.zh < best.en) return 'en';
  return header.toLowerCase().indexOf('zh') < header.toLowerCase().indexOf('en') ? 'zh' : 'en';
}

function readQuality(parameters: readonly string[]): number {
  const parameter = parameters.map((text) => text.trim()).find((text) => text.startsWith('q='));
  if (parameter === undefined) return 1;
  const quality = Number(parameter.slice(2));
  return quality >= 0 && quality <= 1 ? quality : 0;
}
