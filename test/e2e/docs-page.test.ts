// The documentation of the HTTP API as a person opens it.
import { expect, it, onTestFinished } from 'vitest';
import type { OpenApi } from '../../engine/transport/http/openapi.ts';
import { dataFolder, startSwitch } from '../support/switch.ts';
import { describeInBrowser, watch } from './support/browser.ts';

async function startServer(): Promise<string> {
  const server = await startSwitch(dataFolder());
  onTestFinished(() => void server.end('SIGKILL'));
  return server.http;
}

describeInBrowser('/docs in a browser', (openPage) => {
  it.each([
    [1280, true],
    [1280, false],
    [390, true],
    [390, false],
  ])('is whole and fits %d px, JavaScript %s', async (width, javaScriptEnabled) => {
    const origin = await startServer();
    const page = await openPage({ viewport: { width, height: 900 }, javaScriptEnabled });
    const complaints = watch(page, [origin]);
    await page.goto(`${origin}/docs`, { waitUntil: 'networkidle' });

    const { paths } = (await (await fetch(`${origin}/openapi.json`)).json()) as OpenApi;
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    for (const list of ['nav li', 'h3']) {
      const shown = (await page.locator(list).allInnerTexts()).map((text) => text.trim().replace(/\s+/g, ' '));
      expect(shown.map((text) => text.replace(/^\S+/, (method) => method.toLowerCase())).sort()).toEqual(
        operations.toSorted(),
      );
    }

    // Nothing reaches beyond the page, and what scrolls by itself leaves room to read a column.
    const { scrolled, narrow } = await page.evaluate(() => ({
      scrolled: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      narrow: [...document.querySelectorAll('td:last-child:not(:empty)')].filter((cell) => cell.clientWidth < 120)
        .length,
    }));
    expect({ scrolled, narrow }).toEqual({ scrolled: 0, narrow: 0 });

    await page.locator('nav a').last().click();
    const target = page.locator(new URL(page.url()).hash);
    expect(await target.textContent()).toContain(operations.at(-1)?.split(' ')[1]);
    // On the screen now; scrolling stops at whole pixels, and the heading may begin between two.
    const top = async (): Promise<number> => Math.round((await target.boundingBox())?.y ?? Number.NaN);
    await expect.poll(async () => (await top()) >= 0 && (await top()) < 900).toBe(true);
    expect(complaints).toEqual([]);
  });
});
