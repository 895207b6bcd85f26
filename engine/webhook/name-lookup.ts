/**
 * Names of receivers to addresses, without libuv's thread pool. `dns.lookup` takes one of its four threads for as long as a
 * resolver is silent, and the journals commit on the same four: an endpoint with a dead name would slow payments down.
 */
import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP, type LookupFunction } from 'node:net';

const HOSTS_FILE = '/etc/hosts';
const HOSTS_BYTES_MAX = 1_048_576;
const QUERY_MS = 2000;

/** A `lookup` for `http.request`: /etc/hosts, then DNS over sockets. */
export function nameLookup(): LookupFunction {
  const resolver = new Resolver({ timeout: QUERY_MS, tries: 2 });
  return (hostname, options, callback) => {
    addressesOf(resolver, hostname).then(
      (addresses) => {
        const [first] = addresses;
        if (first === undefined) callback(notFound(hostname), '', 4);
        else if (options.all === true) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, '', 4),
    );
  };
}

interface Address {
  readonly address: string;
  readonly family: number;
}

async function addressesOf(resolver: Resolver, hostname: string): Promise<Address[]> {
  const known = await inHostsFile(hostname);
  if (known.length > 0) return known;
  const settled = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  const found = settled.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  return found.map((address) => ({ address, family: isIP(address) }));
}

async function inHostsFile(hostname: string): Promise<Address[]> {
  const text = (await readFile(HOSTS_FILE, 'utf8').catch(() => '')).slice(0, HOSTS_BYTES_MAX);
  const wanted = hostname.toLowerCase();
  const found: Address[] = [];
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const family = isIP(address);
    if (family !== 0 && names.some((name) => name.toLowerCase() === wanted)) found.push({ address, family });
  }
  return found;
}

function notFound(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`the name ${hostname} has no address`), { code: 'ENOTFOUND' });
}
