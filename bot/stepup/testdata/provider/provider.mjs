// An identity provider with the device flow. Its sign-in pages are the library's own for development: any
// name may sign in. It prints its issuer in one line when it listens, and ends with its standard input.
import http from 'node:http';
import Provider from 'oidc-provider';

const server = http.createServer((req, res) => handle(req, res));
let handle = (_, res) => res.writeHead(503).end();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const grant = 'urn:ietf:params:oauth:grant-type:device_code';
  const client = (id, more) => ({
    client_id: id, application_type: 'native', grant_types: [grant], redirect_uris: [], response_types: [],
    require_auth_time: true, ...more,
  });
  const provider = new Provider(issuer, {
    clients: [
      client('public', { token_endpoint_auth_method: 'none' }),
      client('header', { token_endpoint_auth_method: 'client_secret_basic', client_secret: 's e&c' }),
      client('form', { token_endpoint_auth_method: 'client_secret_post', client_secret: 's e&c' }),
    ],
    features: { deviceFlow: { enabled: true }, devInteractions: { enabled: true } },
    conformIdTokenClaims: false,
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@acme.example`, email_verified: true, name: id }),
    }),
  });
  handle = provider.callback();
  console.log(issuer);
});
process.stdin.on('end', () => process.exit(0)).resume();
