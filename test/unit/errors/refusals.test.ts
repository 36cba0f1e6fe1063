import { refusal } from '../../../lib/errors/refusals'

const ADDRESS = 1
const LENGTH = 2
const PROGRAM = 3
const REQUEST = 4

test.each([
  [ADDRESS, 'SO_ATTACH_FILTER', /a memory address.*; use socket\.set\(options\.SO_ATTACH_FILTER, program\)$/],
  [ADDRESS, 'PACKET_FANOUT_DATA', /; use socket\.set\(options\.PACKET_FANOUT_DATA, program\)$/],
  [ADDRESS, 'MPTCP_FULL_INFO', /; use socket\.get\(options\.MPTCP_FULL_INFO\)$/],
  [ADDRESS, 'level 0 option 64', /; use an AF_NETLINK socket of NETLINK_NETFILTER$/],
  [ADDRESS, 'level 0 option 74', /which cannot be checked$/],
  [
    LENGTH,
    'MCAST_MSFILTER',
    /beyond its length; use socket\.get\(query\(options\.MCAST_MSFILTER, filter\)\)$/,
  ],
  [LENGTH, 'TCP_AO_GET_KEYS', /; use one call for each key$/],
  [PROGRAM, 'TCP_FASTOPEN_KEY', /: this option does not take a filter program$/],
  [REQUEST, 'SIOCGIFCONF', /known to be plain and small.*; use getifaddrs\(\)$/],
  [REQUEST, '0x1234', /are allowed$/],
])('the message of refusal %i, %s', (reason, subject, text) => {
  expect(refusal(reason, subject)).toMatch(/^bsd-sockets refuses this, not the kernel: /)
  expect(refusal(reason, subject)).toMatch(text)
})

test('an EPERM of the kernel is not reported as a refusal', () => {
  expect(refusal(0, 'SO_ATTACH_FILTER')).toBeUndefined()
})
