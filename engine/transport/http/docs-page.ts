/** The OpenAPI document as one readable page: plain HTML and CSS, nothing loaded, no script. */
import type { JsonSchema, OpenApi, Operation } from './openapi.ts';

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--accent:#0b6bcb}
*{box-sizing:border-box}body{font:16px/1.55 system-ui,sans-serif;margin:0 auto;padding:1.5rem;max-width:64rem;overflow-wrap:break-word}
h1{margin:.2em 0}h2{margin-top:2.5em;border-bottom:1px solid var(--line)}h3{margin-top:2em}
code,pre{font:.9em/1.5 ui-monospace,monospace}pre{background:var(--soft);padding:.8em 1em;overflow:auto;border-radius:6px}
table{border-collapse:collapse;width:100%;font-size:.92em}th,td{text-align:left;vertical-align:top;padding:.35em .6em;border-bottom:1px solid var(--line)}
.method{display:inline-block;min-width:3.6em;font-weight:700;color:var(--accent);text-transform:uppercase}
a{color:var(--accent)}nav a{text-decoration:none}nav code{text-decoration:underline}nav ul{columns:2;list-style:none;padding:0}.wide{overflow-x:auto}tr:target{background:var(--soft)}
td:first-child code{white-space:nowrap}.label{display:none}
@media(prefers-color-scheme:dark){:root{--accent:#6cb6ff}}
@media(max-width:40rem){body{padding:1rem}nav ul{columns:1}nav li{padding:.3em 0}table,tbody,tr{display:block}th{display:none}
tr{padding:.5em 0;border-bottom:1px solid var(--line)}tr:first-child{padding:0}td{display:inline;border:0;padding:0 .7em 0 0}
td:first-child{font-weight:700}td:last-child{display:block;padding:.15em 0 0}td:empty{display:none}.label{display:inline}}`;

/** Everything that comes from the document passes through here. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** Escaped, with `code` between backquotes. */
function prose(text: string): string {
  return escapeHtml(text).replaceAll(/`([^`]*)`/g, '<code>$1</code>');
}

export function renderDocs(document: OpenApi): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const tags = [...new Set(operations.flatMap(({ operation }) => operation.tags))];
  const links = operations.map(
    ({ path, method, operation }) =>
      `<li><a href="#${escapeHtml(operation.operationId)}"><span class="method">${escapeHtml(method)}</span> <code>${escapeHtml(path)}</code></a></li>`,
  );
  const sections = tags.map((tag) => {
    const inside = operations.filter(({ operation }) => operation.tags.includes(tag));
    const shown = inside.map(({ path, method, operation }) => renderOperation(path, method, operation, document));
    return `<h2>${escapeHtml(tag)}</h2>${shown.join('\n')}`;
  });
  const { title, version, description } = document.info;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeHtml(title)} API</title><style>${STYLE}</style></head><body>
<h1>${escapeHtml(title)} API</h1>
<p>${prose(description)} Version ${escapeHtml(version)}; for programs: <a href="/openapi.json">openapi.json</a>.</p>
<p>Send <code>Authorization: Bearer &lt;key&gt;</code>. A refusal is <code>application/problem+json</code>; its
<code>code</code> is one of the <a href="#results">results</a>, its <code>detail</code> is in English or Chinese as
<code>Accept-Language</code> prefers, and <code>retry</code> says whether to send the same request again.</p>
<nav><ul>${links.join('\n')}</ul></nav>
${sections.join('\n')}
${renderResults(document)}
</body></html>
`;
}

function renderOperation(path: string, method: string, operation: Operation, document: OpenApi): string {
  const body = operation.requestBody?.content['application/json'];
  const answer = operation.responses['200']?.content['application/json'];
  const parts = [
    `<h3 id="${escapeHtml(operation.operationId)}"><span class="method">${escapeHtml(method)}</span> <code>${escapeHtml(path)}</code></h3>`,
    `<p>${prose(operation.summary)} ${prose(operation.description)}</p>`,
  ];
  if (operation.parameters.length > 0) {
    const rows = operation.parameters.map(({ name, in: place, required, schema, description }) =>
      row([code(name), `${escapeHtml(place)}${required ? ', required' : ''}`, typeText(schema), prose(description)]),
    );
    parts.push(table(['Parameter', 'In', 'Type', 'Meaning'], rows));
  }
  if (body !== undefined) {
    parts.push('<p>Body:</p>', renderFields(body.schema), '<pre>', json(body.example), '</pre>');
  }
  if (answer !== undefined) {
    parts.push('<p>Answer:</p>', '<pre>', json(answer.example), '</pre>');
  }
  const results = Object.values(operation.responses).flatMap(({ content }) =>
    Object.keys(content['application/problem+json']?.examples ?? {}),
  );
  const refusals = results.map((name) => {
    const number = document['x-results'][name]?.code ?? 0;
    return `<a href="#code-${number}">${escapeHtml(name)}</a>`;
  });
  parts.push(`<p>Refusals: ${refusals.join(', ')}.</p>`);
  return parts.join('\n');
}

function renderFields(schema: JsonSchema): string {
  const object = schema.properties === undefined ? (schema.anyOf?.[0] ?? schema) : schema;
  const rows = Object.entries(object.properties ?? {}).map(([name, field]) =>
    row([
      code(name),
      object.required?.includes(name) === true ? 'required' : '',
      typeText(field),
      prose(field.description ?? ''),
    ]),
  );
  return rows.length === 0 ? '' : table(['Field', '', 'Type', 'Meaning'], rows);
}

function renderResults(document: OpenApi): string {
  const rows = Object.entries(document['x-results']).map(([name, { code: number, http, retry, en, zh }]) =>
    row(
      [
        String(number),
        code(name),
        `${label('HTTP')}${http}`,
        `${label('retry')}${escapeHtml(retry)}`,
        `${escapeHtml(en)}<br><span lang="zh-Hans">${escapeHtml(zh)}</span>`,
      ],
      `code-${number}`,
    ),
  );
  return `<h2 id="results">Results</h2>${table(['Code', 'Name', 'HTTP', 'Retry', 'Message'], rows)}`;
}

function typeText(schema: JsonSchema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => code(String(value))).join(' ');
  const type = typeof schema.type === 'string' ? schema.type : (schema.type ?? []).join(' or ');
  return escapeHtml(schema.items === undefined ? type : `${type} of ${typeText(schema.items)}`);
}

const code = (text: string): string => `<code>${escapeHtml(text)}</code>`;
const json = (value: unknown): string => escapeHtml(JSON.stringify(value, undefined, 2) ?? '');
/** What a cell is about; shown where a narrow screen has no room for the table's head. */
const label = (text: string): string => `<span class="label">${escapeHtml(text)} </span>`;
/** Cells are HTML already. */
const row = (cells: readonly string[], id?: string): string =>
  `<tr${id === undefined ? '' : ` id="${escapeHtml(id)}"`}>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
const table = (heads: readonly string[], rows: readonly string[]): string =>
  `<div class="wide"><table><tr>${heads.map((head) => `<th>${escapeHtml(head)}</th>`).join('')}</tr>${rows.join('\n')}</table></div>`;
