// Opens Swagger UI of a served shop in headless Chromium, says who asks, tries each endpoint, and looks at the rows that
// come. Nothing may be asked of another server, no error logged, nothing be kept from loading. Then the pages of problems.
//
//   node swagger_browser.mjs ADDRESS MODULES CHROMIUM TOKEN [SCREENSHOTS]
//
// ADDRESS is http://host:port, MODULES the node_modules folder with playwright-core, axe-core and
// @seriousme/openapi-schema-validator, TOKEN empty where none is needed, SCREENSHOTS a folder for pictures.

import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import path from 'node:path';

const [address, modules, chromium, token, screenshots] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(modules), 'x.js'));
const playwright = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

// Each endpoint with a column of its rows.
const ENDPOINTS = { daily_sales: 'order_date', top_customers: 'customer_id', product_metrics: 'product_id' };

const faults = [];
await validate();
const browser = await playwright.chromium.launch({ executablePath: chromium, args: ['--no-sandbox'] });
await swagger('light');
await swagger('dark');
for (const colorScheme of ['light', 'dark']) {
  for (const width of [1280, 390]) await problems(colorScheme, width);
}
await browser.close();
for (const fault of faults) console.log(fault);
console.log(faults.length === 0 ? 'ok   every page holds in every view' : `${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);

// A second opinion on the document.
async function validate() {
  const folder = path.join(modules, '@seriousme/openapi-schema-validator');
  const { main, exports } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const entry = typeof exports === 'string' ? exports : exports?.['.']?.import ?? exports?.['.'] ?? main;
  const { Validator } = await import(pathToFileURL(path.join(path.resolve(folder), entry)));
  const document = await (await fetch(`${address}/api/v1/openapi.json`)).json();
  const { valid, errors } = await new Validator().validate(document);
  if (!valid) faults.push(`the document: ${JSON.stringify(errors)}`);
}

async function open(url, colorScheme, width, fault) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, bypassCSP: false });
  const page = await context.newPage();
  page.on('console', (message) => { if (message.type() === 'error') fault(`console: ${message.text()}`); });
  page.on('pageerror', (error) => fault(`error: ${error}`));
  page.on('request', (request) => {
    const url = request.url();
    if (!/^(data|blob):/.test(url) && !url.startsWith(`${address}/`)) fault(`asks for ${url}`);
  });
  page.on('requestfailed', (request) => fault(`cannot load ${request.url()}: ${request.failure()?.errorText}`));
  page.on('response', (response) => {
    if (response.status() >= 400) fault(`${response.status()} for ${response.url()}`);
  });
  await page.goto(url);
  return page;
}

async function picture(page, name) {
  if (screenshots) await page.screenshot({ path: path.join(screenshots, `${name}.png`), fullPage: false });
}

async function swagger(colorScheme) {
  const fault = (what) => faults.push(`Swagger UI, ${colorScheme}: ${what}`);
  const page = await open(`${address}/docs/api`, colorScheme, 1280, fault);
  await page.locator('.opblock').first().waitFor();
  await picture(page, `swagger-${colorScheme}`);
  if (token) await authorise(page);
  for (const [name, column] of Object.entries(ENDPOINTS)) {
    const block = page.locator(`#operations-endpoints-${name}`);
    await block.locator('.opblock-summary-control').click();
    await block.locator('.try-out__btn').click();
    await block.locator('tr[data-param-name="limit"] input').fill('3');
    const answered = page.waitForResponse((response) => response.url().includes(`/api/v1/${name}?`));
    await block.locator('button.execute').click();
    const answer = await answered;
    if (token && !answer.request().headers().authorization) fault(`${name}: the token is not sent`);
    const shown = block.locator('.live-responses-table .highlight-code, .live-responses-table .microlight').first();
    await shown.waitFor();
    await page.waitForFunction(
      ([name, column]) => document.querySelector(`#operations-endpoints-${name} .live-responses-table`)?.textContent.includes(`"${column}"`),
      [name, column], { timeout: 10000 },
    ).catch(() => fault(`${name}: no rows to be seen`));
    const body = await answer.json().catch(() => ({}));
    if (body.data?.length !== 3) fault(`${name}: ${body.data?.length} rows`);
    await block.locator('.live-responses-table').first().scrollIntoViewIfNeeded();
    await picture(page, `swagger-${colorScheme}-${name}`);
    await block.locator('.opblock-summary-control').click();
  }
  await page.context().close();
}

async function authorise(page) {
  await page.locator('.auth-wrapper .authorize').first().click();
  const bearer = page.locator('.auth-container').filter({ hasText: 'bearer' }).first();
  await bearer.locator('input[type="text"], input[type="password"]').first().fill(token);
  await bearer.locator('button.authorize').click();
  await picture(page, 'swagger-authorised');
  await page.locator('.btn-done').first().click();
}

async function problems(colorScheme, width) {
  const fault = (what) => faults.push(`problems, ${colorScheme}, ${width} px: ${what}`);
  const page = await open(`${address}/problems/`, colorScheme, width, fault);
  await look(page, `problems-${colorScheme}-${width}`, fault);
  const pages = await page.locator('dt a').evaluateAll((links) => links.map((link) => link.href));
  for (const each of pages) {
    await page.goto(each);
    if (!await page.getByRole('heading', { name: 'What to do' }).isVisible()) fault(`${each} says nothing`);
  }
  await look(page, `problem-${colorScheme}-${width}`, fault);
  await page.context().close();
}

async function look(page, name, fault) {
  await picture(page, name);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (wide > 0) fault(`${page.url()} is ${wide} px too wide`);
  // Through the debugger, which the page's policy does not bind.
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
  for (const { id, help, impact, nodes } of found.violations) {
    if (['serious', 'critical'].includes(impact)) fault(`${page.url()}: ${id}: ${help}: ${nodes[0].html.slice(0, 200)}`);
  }
}
