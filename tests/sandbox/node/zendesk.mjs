// node-zendesk against the sandbox: node zendesk.mjs '{"url": ..., "token": ...}' prints what it saw as JSON.
import zendesk from 'node-zendesk';

const { url, token } = JSON.parse(process.argv[2]);
const client = zendesk.createClient({ endpointUri: `${url}/api/v2`, username: 'sync@acme.example', token, oauth: true });
const named = (rows) => rows.map((row) => row.name);
const job = (answer) => (answer.result ?? answer).job_status ?? answer.result ?? answer;
const ended = async (answer) => {
  const status = await client.jobstatuses.watch(job(answer).id, 50, 100);
  return status.result?.job_status ?? status.job_status ?? status.result ?? status;
};

const listed = named(await client.organizations.list());
const submitted = job(await client.organizations.createMany({ organizations: [{ name: 'made 1' }, { name: 'made 2' }] }));
const created = await ended(submitted);
const ids = created.results.map((row) => row.id);
const updated = await ended(
  await client.organizations.updateMany({
    organizations: [
      { id: ids[0], organization_fields: { account_type: 'open_partner' } },
      { id: ids[1], name: 'MADE 1' },
    ],
  }),
);
const shown = await client.organizations.show(ids[0]);
console.log(
  JSON.stringify({
    listed,
    submitted: submitted.status,
    created: created.results.map((row) => row.status),
    updated: updated.results.map((row) => row.error ?? row.status),
    account_type: (shown.result.organization ?? shown.result).organization_fields.account_type,
  }),
);
