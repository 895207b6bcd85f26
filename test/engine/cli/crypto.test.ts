// The tools for card cryptography: vectors through the command line, and messages that never repeat what may be a key.
import { describe, expect, it } from 'vitest';
import { run } from '../../../engine/cli/program.ts';

async function sluice(line: string) {
  let output = '';
  let errors = '';
  const code = await run(line.split(' '), {
    output: { write: (text) => (output += text), columns: 100 },
    errors: { write: (text) => (errors += text), columns: 100 },
    environment: { NO_COLOR: '1' },
  });
  return { code, output, errors };
}

const IMK = '12345678'.repeat(4);
const CARD = `--imk ${IMK} --pan 1234567890123456 --psn 00 --atc 3456 --un 11111111`;
const DATA = '000000010000000000001000084000000010800840980704001111111158003456A08003242000';
const KBPK = '88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6';
const BLOCK =
  'D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34';
const KEY = '0123456789ABCDEFFEDCBA9876543210';

describe('prints one JSON document', () => {
  it.each([
    [
      `emv arqc --scheme visa-cvn10 ${CARD} --data ${DATA}`,
      { arqc: '26C8A1042D1CAF3E', sessionKey: 'DCE992BCE398C264F7858AFD4C4A324A' },
    ],
    [
      `emv arqc --scheme mchip-cvn16 ${CARD} --data ${DATA.toLowerCase()}`,
      { arqc: 'AC8074C9E62EE6EF', sessionKey: '68E9A15BBCF283EF0164F7E6C44C4325' },
    ],
    [
      `emv arqc --scheme visa-cvn18 --imk ${IMK} --pan 1234567890123456 --atc 3456 --data ${DATA}`,
      { arqc: '55BE45DD2C9E0CBF', sessionKey: 'F2A75194C2B954A4163E9886BCA45473' },
    ],
    [`emv arpc --scheme visa-cvn10 ${CARD} --arqc 26C8A1042D1CAF3E --arc 3030`, { arpc: '98DE7C7B3D80A831' }],
    [`emv arpc --scheme mchip-cvn17 ${CARD} --arqc AC8074C9E62EE6EF --arc 0012`, { arpc: '5B5B712F9A644774' }],
    [`emv arpc --scheme mchip-cvn21 ${CARD} --arqc 55BE45DD2C9E0CBF --arc 0012`, { arpc: '01BAE8DE6A0DE9E0' }],
    [`emv arpc --scheme visa-cvn22 ${CARD} --arqc 55BE45DD2C9E0CBF --csu 00120000`, { arpc: 'B4C698B6' }],
    [
      `dukpt tdes --bdk ${KEY} --ksn FFFF9876543210E00001`,
      {
        ipek: '6AC292FAA1315B4D858AB3A3D7D5933A',
        transactionKey: '042666B49184CFA368DE9628D0397BC9',
        pinKey: '042666B49184CF5C68DE9628D0397B36',
        macRequestKey: '042666B4918430A368DE9628D03984C9',
      },
    ],
    [
      `dukpt tdes --bdk ${KEY} --ksn FFFF9876543210E00000`,
      { ipek: '6AC292FAA1315B4D858AB3A3D7D5933A', transactionKey: null, pinKey: null, macRequestKey: null },
    ],
    [
      'dukpt aes --bdk FEDCBA9876543210F1F1F1F1F1F1F1F1 --ksn 123456789012345600000001',
      {
        ik: '1273671EA26AC29AFA4D1084127652A1',
        pinKey: 'AF8CB133A78F8DC2D1359F18527593FB',
        macRequestKey: 'A2DC23DE6FDE0824A2BC321E08E4B8B7',
      },
    ],
    [
      'dukpt aes --bdk FEDCBA9876543210F1F1F1F1F1F1F1F1 --ksn 123456789012345600000000',
      { ik: '1273671EA26AC29AFA4D1084127652A1', pinKey: null, macRequestKey: null },
    ],
    ['pinblock encode --format 0 --pin 1234 --pan 5555555551234567', { block: '041261AAAAEDCBA9' }],
    [
      'pinblock encode --format 0 --pin 1234 --pan 4012345678909 --key 042666B49184CF5C68DE9628D0397B36',
      { block: '1B9C1845EB993A7A' },
    ],
    ['pinblock encode --format 3 --pin 1234 --pan 5555555551234567 --fill ABCDEFABCD', { block: '341261FE98FD9F9B' }],
    [
      'pinblock encode --format 4 --pin 1234 --pan 5555555551234567 --fill 2F69ADDE2E9E7ACE',
      { block: '441234AAAAAAAAAA2F69ADDE2E9E7ACE' },
    ],
    ['pinblock decode --format 0 --block 041261AAAAEDCBA9 --pan 5555555551234567', { pin: '1234' }],
    [
      `mac --alg retail --key ${KEY} --pad 1 --data 4E6F77206973207468652074696D6520666F7220616C6C20`,
      { mac: 'A1C72E74EA3FA9B6' },
    ],
    [
      'mac --alg cmac --key 2B7E151628AED2A6ABF7158809CF4F3C --data 6BC1BEE22E409F96E93D7E117393172A',
      { mac: '070A16B46B4D4144F79BDD9DD04A287C' },
    ],
    [
      'mac --alg cmac --cipher tdes --key 8AA83BF8CBDA10620BC1BF19FBB6CD58BC313D4A371CA8B5 --pad 2 --data 6BC1BEE22E409F96',
      { mac: '8E8F293136283797' },
    ],
    [
      `tr31 unwrap --kbpk ${KBPK} --block ${BLOCK}`,
      {
        key: '3F419E1CB7079442AA37474C2EFBF8B8',
        kcv: expect.stringMatching(/^[0-9A-F]{10}$/),
        version: 'D',
        usage: 'P0',
        algorithm: 'A',
        mode: 'E',
        keyVersion: '00',
        exportability: 'E',
        optional: [],
      },
    ],
  ])('%s', async (line, expected) => {
    const { code, output, errors } = await sluice(`${line} --json`);
    expect([code, errors]).toEqual([0, '']);
    expect(JSON.parse(output)).toEqual(expected);
    const people = await sluice(line);
    expect(people.code).toBe(0);
    for (const value of Object.values(expected)) {
      if (typeof value === 'string') expect(people.output).toContain(value);
    }
  });

  it('wraps what it unwraps', async () => {
    const wrap = `tr31 wrap --kbpk ${KBPK} --key ${KEY} --usage E0 --algorithm T --mode X --optional KS=0060`;
    const { output } = await sluice(`${wrap} --optional LB=visa --block-version D --json`);
    const { block } = JSON.parse(output);
    const read = JSON.parse((await sluice(`tr31 unwrap --kbpk ${KBPK} --block ${block} --json`)).output);
    expect(read).toMatchObject({
      key: KEY,
      kcv: '08D7B4',
      optional: [
        { id: 'KS', data: '0060' },
        { id: 'LB', data: 'visa' },
      ],
    });
  });
});

describe('wrong input', () => {
  const arqc = `emv arqc --scheme visa-cvn10 ${CARD} --data ${DATA}`;
  const mac = `mac --alg retail --key ${KEY} --pad 1 --data 00`;

  it.each([
    [arqc.replace(IMK, IMK.slice(2)), '--imk must be 32 hex digits, not 30'],
    [arqc.replace(IMK, `${IMK.slice(1)}x`), '--imk must be 32 hex digits: it has other characters'],
    [arqc.replace('visa-cvn10', 'visa'), '--scheme must be visa-cvn10, visa-cvn18,'],
    [arqc.replace('1234567890123456', '12345'), '--pan must be 12 to 19 decimal digits'],
    [arqc.replace('--atc 3456', '--atc 34567'), '--atc must be 4 hex digits, not 5'],
    [arqc.replace('visa-cvn10', 'mchip-cvn16').replace(' --un 11111111', ''), '--un is needed for mchip-cvn16'],
    [arqc.replace(DATA, '123'), '--data must be an even number of hex digits, not 3'],
    [`emv arpc --scheme visa-cvn10 ${CARD} --arqc 26C8A1042D1CAF3E`, 'give either --arc or --csu'],
    [`emv arpc --scheme visa-cvn10 ${CARD} --arqc 26C8A1042D1CAF3E --csu 00120000`, 'answers with a response code'],
    [`emv arpc --scheme visa-cvn18 ${CARD} --arqc 26C8A1042D1CAF3E --arc 3030`, 'answers with a card status update'],
    [`dukpt tdes --bdk ${KEY} --ksn FFFF9876543210E007FF`, 'has 11 one bits: devices use counters with at most 10'],
    [`dukpt tdes --bdk ${KEY} --ksn FFFF`, '--ksn must be 16, 18 or 20 hex digits, not 4'],
    [
      `dukpt aes --bdk ${KEY} --ksn 123456789012345600000001 --key-type aes256`,
      'cannot come from a base key of 16 bytes',
    ],
    ['pinblock encode --format 1 --pin 1234 --pan 5555555551234567', '--format must be 0, 3 or 4, not "1"'],
    ['pinblock encode --format 0 --pin 123 --pan 5555555551234567', '--pin must be 4 to 12 decimal digits'],
    ['pinblock encode --format 0 --pin 1234 --pan 5555555551234567 --fill AA', '--fill is for formats 3 and 4'],
    ['pinblock encode --format 3 --pin 1234 --pan 5555555551234567 --fill AA', '--fill must be 10 digits A to F'],
    ['pinblock decode --format 0 --block 041261AAAAEDCBA8 --pan 5555555551234567', 'this is no PIN block of format 0'],
    [mac.replace('--pad 1 ', ''), '--pad is needed for retail: 1 or 2'],
    [mac.replace('--pad 1', '--pad 3'), '--pad must be 1 or 2, not "3"'],
    [mac.replace('retail', 'hmac'), '--alg must be retail or cmac, not "hmac"'],
    [
      `tr31 wrap --kbpk ${KBPK} --key ${KEY} --usage E0 --algorithm T --mode X --optional x`,
      '--optional must be a name',
    ],
  ])('%s', async (line, message) => {
    const { code, output, errors } = await sluice(line);
    expect([code, output]).toEqual([2, '']);
    expect(errors).toContain(message);
    expect(errors).not.toContain(IMK.slice(2, 20));
    expect(errors).not.toContain(KEY.slice(1));
  });

  it.each([
    [`tr31 unwrap --kbpk ${KBPK} --block ${BLOCK.slice(0, -1)}5`, 'mac'],
    [`tr31 unwrap --kbpk ${KBPK} --block ${BLOCK.slice(0, -1)}`, 'length'],
    [`tr31 wrap --kbpk ${KBPK} --key ${KEY} --usage E --algorithm T --mode X`, 'usage'],
  ])('a failure has its code: %s', async (line, code) => {
    const result = await sluice(`${line} --json`);
    expect(result.code).toBe(1);
    expect(JSON.parse(result.output)).toMatchObject({ error: { code } });
    expect(result.output + result.errors).not.toContain(KBPK);
  });
});
