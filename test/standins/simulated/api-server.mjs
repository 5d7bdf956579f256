/**
 * A cluster's API, as far as labkeeper asks it: `node api-server.mjs RESOURCE-FILE`. Lives as long as its file in the
 * cloud does, so that removing the file is what turns it off.
 */

import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:https";

const [, , file] = process.argv;
const read = () => JSON.parse(readFileSync(file, "utf8"));
const { server: tls, port } = read();

const answers = (resource) => ({
  "/readyz": "ok",
  "/apis/config.openshift.io/v1/clusterversions/version": {
    kind: "ClusterVersion",
    spec: { clusterID: resource.tags.openshiftClusterID },
    status: {
      desired: { version: resource.version },
      history: [{ state: "Completed", version: resource.version }],
      conditions: [{ type: "Available", status: resource.available ? "True" : "False" }],
    },
  },
  "/apis/route.openshift.io/v1/namespaces/openshift-console/routes/console": {
    kind: "Route",
    spec: { host: resource.consoleHost },
  },
});

const server = createServer(
  { key: tls.key, cert: tls.cert, ca: tls.ca, requestCert: true, rejectUnauthorized: false },
  (request, response) => {
    if (!request.socket.authorized) return response.writeHead(401).end('{"kind":"Status","code":401}');
    let body;
    try {
      body = answers(read())[request.url];
    } catch {
      return response.writeHead(503).end();
    }
    if (body === undefined) return response.writeHead(404).end('{"kind":"Status","code":404}');
    response.writeHead(200).end(typeof body === "string" ? body : JSON.stringify(body));
  },
);
server.listen(port, "127.0.0.1");

const started = Date.now();
setInterval(() => {
  if (!existsSync(file) || Date.now() - started > 600_000) process.exit(0);
}, 100);
