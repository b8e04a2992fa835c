/** Shows this server's own OpenAPI document. A token that is entered stays in this page and is gone when it closes. */
SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  filter: true,
  persistAuthorization: false,
  // Otherwise a public service is sent the document.
  validatorUrl: null,
});
