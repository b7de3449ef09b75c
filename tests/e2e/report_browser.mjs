// Opens the shop's quality report in headless Chromium: at desktop and phone width, light and dark, without network and
// without scripts. Nothing may be asked of the network, no error logged, no page wider than the screen, and axe-core may
// find no serious fault.
//
//   node report_browser.mjs REPORT.html MODULES [CHROMIUM]
//
// MODULES is the node_modules folder with playwright-core and axe-core.

import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import path from 'node:path';

const [report, modules, chromium = '/usr/bin/chromium'] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(modules), 'x.js'));
const playwright = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const address = pathToFileURL(path.resolve(report)).href;

const faults = [];
const browser = await playwright.chromium.launch({ executablePath: chromium, args: ['--no-sandbox'] });
for (const width of [1280, 390]) {
  for (const colorScheme of ['light', 'dark']) {
    for (const javaScriptEnabled of [true, false]) {
      await look(width, colorScheme, javaScriptEnabled);
    }
  }
}
await browser.close();
for (const fault of faults) console.log(fault);
console.log(faults.length === 0 ? 'the report holds in every view' : `${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);

async function look(width, colorScheme, javaScriptEnabled) {
  const view = `${width} px, ${colorScheme}, ${javaScriptEnabled ? 'with' : 'without'} scripts`;
  const fault = (what) => faults.push(`${view}: ${what}`);
  const context = await browser.newContext({
    viewport: { width, height: 900 }, colorScheme, javaScriptEnabled, offline: true, bypassCSP: javaScriptEnabled,
  });
  const page = await context.newPage();
  page.on('console', (message) => { if (message.type() === 'error') fault(`console: ${message.text()}`); });
  page.on('pageerror', (error) => fault(`error: ${error}`));
  page.on('request', (request) => {
    if (!request.url().startsWith('data:') && request.url() !== address) fault(`asks for ${request.url()}`);
  });
  await page.goto(address);
  const verdict = await page.locator('h1').innerText();
  if (!/^Version \d+ (published|stands unchanged|tested)$|^Nothing published/.test(verdict)) fault(`verdict: ${verdict}`);
  if (!await page.locator('#tables').isVisible()) fault('no tables to be seen');
  const toggle = page.locator('details.table[open] .toggle > summary').first();
  await toggle.click();
  if (!await page.locator('tr.more').first().isVisible()) fault('a column does not open');
  if (javaScriptEnabled) {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (wide > 0) fault(`the page is ${wide} px too wide`);
    await page.evaluate(axe);
    const found = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
    for (const violation of found.violations) {
      if (['serious', 'critical'].includes(violation.impact)) {
        fault(`${violation.id}: ${violation.help}: ${violation.nodes[0].html.slice(0, 200)}`);
      }
    }
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const before = await paper();
    await page.locator(colorScheme === 'dark' ? 'label:has(#light)' : 'label:has(#dark)').click();
    if (await paper() === before) fault('the colours do not change');
  }
  await context.close();
}
