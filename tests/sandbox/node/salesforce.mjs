// jsforce against the sandbox: node salesforce.mjs '{"url": ..., "id": ..., "secret": ..., "queries": [...]}' prints JSON.
import jsforce from 'jsforce';

const { url, id, secret, queries } = JSON.parse(process.argv[2]);
const oauth2 = { clientId: id, clientSecret: secret, loginUrl: url, tokenServiceUrl: `${url}/services/oauth2/token` };
const connection = new jsforce.Connection({ instanceUrl: url, oauth2 });
const token = await connection.oauth2.requestToken({ grant_type: 'client_credentials' });
const authorized = new jsforce.Connection({ instanceUrl: url, accessToken: token.access_token });

const paged = [];
let page = await authorized.query(queries[0]);
const pages = [page.records.length];
paged.push(...page.records);
while (!page.done) {
  page = await authorized.queryMore(page.nextRecordsUrl);
  pages.push(page.records.length);
  paged.push(...page.records);
}
const fetched = await authorized.query(queries[0], { autoFetch: true, maxFetch: 1000 });
let refused = null;
try {
  await authorized.query(queries[1]);
} catch (error) {
  refused = error.errorCode;
}
console.log(
  JSON.stringify({
    total: page.totalSize,
    pages,
    names: paged.map((row) => row.Name),
    fetched: fetched.records.length,
    refused,
    usage: authorized.limitInfo?.apiUsage?.limit ?? null,
  }),
);
