// jsforce by SOAP: node salesforce_soap.mjs '{"url": ..., "username": ..., "password": ..., "query": ...}' prints JSON.
import jsforce from 'jsforce';

const { url, username, password, query } = JSON.parse(process.argv[2]);
const connection = new jsforce.Connection({ loginUrl: url });
const user = await connection.login(username, password);
const { records } = await connection.query(query);
const all = await connection.query(query, { scanAll: true });
let refused = null;
try {
  await new jsforce.Connection({ loginUrl: url }).login(username, 'wrong');
} catch (error) {
  refused = error.message;
}
console.log(
  JSON.stringify({
    organization: user.organizationId,
    names: records.map((row) => row.Name),
    all: all.records.map((row) => row.Name),
    refused,
  }),
);
