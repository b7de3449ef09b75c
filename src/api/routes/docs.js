// Starts Swagger UI over this server's own description, in the reader's colours. Tokens are kept by the page alone.
const dark = matchMedia('(prefers-color-scheme: dark)');
const recolour = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', recolour);
recolour();

window.ui = SwaggerUIBundle({
  dom_id: '#swagger-ui',
  url: new URL('../api/v1/openapi.json', location.href).href,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
  layout: 'BaseLayout',
});
