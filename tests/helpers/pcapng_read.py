#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
Reads pcapng by the draft (draft-ietf-opsawg-pcapng), strictly, and prints each block as a line of JSON.

    pcapng_read.py FILE         "-": standard input; exits 1 at the first thing that is not as it has to be
    pcapng_read.py --cut FILE   a file that may end inside a block: what is behind the last whole one is not an error

It knows every block and option of the draft, and Wireshark's custom block of a process; it shares nothing with the
writer. Times are integers of the interface's resolution. Packets have their bytes as hexadecimal digits.
"""
import json
import struct
import sys

SECTION = 0x0A0D0D0A
CUSTOM, CUSTOM_PRIVATE = 0xBAD, 0x40000BAD
WIRESHARK = 32622


class Bad(Exception):
    pass


def need(condition, *what):
    if not condition:
        raise Bad(' '.join(str(w) for w in what))


# How the value of an option is read: each takes the bytes and the byte order.
def text(value, order):
    need(b'\0' not in value, 'a text with a zero in it')
    try:
        return value.decode('utf-8')
    except UnicodeDecodeError as e:
        raise Bad(f'a text that is not UTF-8: {value!r}') from e


def raw(value, order):
    return value.hex()


def fixed(form):
    def read(value, order):
        need(len(value) == struct.calcsize('=' + form), 'an option of', len(value), 'bytes is read as', form)
        return struct.unpack(order + form, value)[0]
    return read


def stamp(value, order):
    need(len(value) == 8, 'a time of', len(value), 'bytes')
    high, low = struct.unpack(order + 'II', value)
    return high << 32 | low


def sized(n):
    def read(value, order):
        need(len(value) == n, 'an option of', len(value), 'bytes has to have', n)
        return value.hex()
    return read


def if_filter(value, order):
    need(value, 'an empty if_filter')
    need(value[0] in (0, 1), 'an if_filter of the unknown kind', value[0])
    return {'string': text(value[1:], order)} if value[0] == 0 else {'bpf': value[1:].hex()}


def verdict(value, order):
    kinds = ('hardware', 'tc', 'xdp')
    need(value and value[0] < len(kinds), 'a verdict of an unknown kind')
    if value[0] == 0:
        return {'hardware': value[1:].hex()}
    need(len(value) == 9, 'a verdict of', len(value), 'bytes')
    return {kinds[value[0]]: struct.unpack(order + 'q', value[1:])[0]}


def packet_hash(value, order):
    sizes = {2: 4, 3: 16, 4: 20, 5: 4}
    need(value and value[0] <= 5, 'a hash of an unknown kind')
    need(sizes.get(value[0], len(value) - 1) == len(value) - 1, 'a hash of', len(value), 'bytes')
    return {'algorithm': value[0], 'hash': value[1:].hex()}


def owner(value, order):
    need(len(value) == 8, 'a process and thread of', len(value), 'bytes')
    return list(struct.unpack(order + 'II', value))


def flags(value, order):
    word = fixed('I')(value, order)
    need(word & 3 != 3, 'a direction that is none')
    need((word >> 2 & 7) <= 4, 'a kind of reception that is none')
    need(not word & 0xF000, 'reserved flags')
    return {
        'direction': ('unknown', 'in', 'out')[word & 3],
        'reception': word >> 2 & 7,
        'fcs': word >> 5 & 15,
        'checksum_not_ready': bool(word & 1 << 9),
        'checksum_valid': bool(word & 1 << 10),
        'tso': bool(word & 1 << 11),
        'errors': word >> 16,
    }


# Of each block: code -> name, how it is read, and whether there may be several.
COMMON = {1: ('comment', text, True)}
CUSTOM_OPTIONS = {
    2988: ('custom', text),
    2989: ('custom', raw),
    19372: ('custom', text),
    19373: ('custom', raw),
}
SECTION_OPTIONS = {
    2: ('hardware', text, False),
    3: ('os', text, False),
    4: ('userappl', text, False),
}
INTERFACE_OPTIONS = {
    2: ('name', text, False),
    3: ('description', text, False),
    4: ('ipv4addr', sized(8), True),
    5: ('ipv6addr', sized(17), True),
    6: ('macaddr', sized(6), False),
    7: ('euiaddr', sized(8), False),
    8: ('speed', fixed('Q'), False),
    9: ('tsresol', fixed('B'), False),
    10: ('tzone', fixed('i'), False),
    11: ('filter', if_filter, False),
    12: ('os', text, False),
    13: ('fcslen', fixed('B'), False),
    14: ('tsoffset', fixed('q'), False),
    15: ('hardware', text, False),
    16: ('txspeed', fixed('Q'), False),
    17: ('rxspeed', fixed('Q'), False),
}
PACKET_OPTIONS = {
    2: ('flags', flags, False),
    3: ('hash', packet_hash, True),
    4: ('dropcount', fixed('Q'), False),
    5: ('packetid', fixed('Q'), False),
    6: ('queue', fixed('I'), False),
    7: ('verdict', verdict, True),
    8: ('processid_threadid', owner, False),
}
NAME_OPTIONS = {
    2: ('dnsname', text, False),
    3: ('dnsIP4addr', sized(4), False),
    4: ('dnsIP6addr', sized(16), False),
}
STATISTICS_OPTIONS = {
    2: ('starttime', stamp, False),
    3: ('endtime', stamp, False),
    4: ('ifrecv', fixed('Q'), False),
    5: ('ifdrop', fixed('Q'), False),
    6: ('filteraccept', fixed('Q'), False),
    7: ('osdrop', fixed('Q'), False),
    8: ('usrdeliv', fixed('Q'), False),
}
PROCESS_OPTIONS = {
    2: ('name', text, False),
    3: ('path', text, False),
    4: ('cmdline', raw, False),
    5: ('ppid', fixed('I'), False),
    6: ('uid', fixed('I'), False),
    7: ('user', text, False),
    8: ('uuid', sized(16), False),
    9: ('starttime', fixed('Q'), False),
}


def padded(data, at, n):
    """The n bytes at a place, and where it goes on; what fills up to a multiple of four is zero."""
    end = at + n
    after = end + -n % 4
    need(after <= len(data), 'a value that is longer than what it is in')
    need(not any(data[end:after]), 'padding that is not zero')
    return data[at:end], after


def options(data, order, known):
    """A list of options that ends as it has to: with an end of options, and with nothing behind it."""
    found, at = {}, 0
    while at < len(data):
        need(len(data) - at >= 4, 'an option of less than four bytes')
        code, n = struct.unpack_from(order + 'HH', data, at)
        value, at = padded(data, at + 4, n)
        if code == 0:
            need(n == 0, 'an end of options with a length')
            need(at == len(data), 'something behind the end of options')
            return found
        if code in CUSTOM_OPTIONS:
            name, read = CUSTOM_OPTIONS[code]
            need(n >= 4, 'a custom option without an enterprise')
            item = {'pen': struct.unpack_from(order + 'I', value)[0], 'value': read(value[4:], order)}
            found.setdefault(name, []).append(item)
            continue
        need(code in known or code in COMMON, 'the unknown option', code)
        name, read, several = known.get(code) or COMMON[code]
        item = read(value, order)
        if several:
            found.setdefault(name, []).append(item)
        else:
            need(name not in found, 'two of', name)
            found[name] = item
    need(not data, 'options without an end')
    return found


class Reader:
    def __init__(self):
        self.order = None
        self.interfaces = []  # of this section

    def unpack(self, form, body, at=0):
        need(len(body) - at >= struct.calcsize('=' + form), 'a block that is too short')
        return struct.unpack_from(self.order + form, body, at)

    def section(self, body):
        magic, major, minor, length = self.unpack('IHHq', body)
        need(magic == 0x1A2B3C4D, 'no byte order')
        need((major, minor) == (1, 0), 'the version', major, minor)
        need(length == -1 or (length >= 0 and length % 4 == 0), 'a section of the length', length)
        self.interfaces = []
        return {'block': 'section', 'order': 'little' if self.order == '<' else 'big', 'length': length,
                **options(body[16:], self.order, SECTION_OPTIONS)}

    def interface(self, body):
        link, reserved, snaplen = self.unpack('HHI', body)
        need(reserved == 0, 'reserved bytes that are not zero')
        row = {'block': 'interface', 'id': len(self.interfaces), 'linktype': link, 'snaplen': snaplen,
               **options(body[8:], self.order, INTERFACE_OPTIONS)}
        self.interfaces.append(row)
        return row

    def of_interface(self, number):
        need(number < len(self.interfaces), 'the interface', number, 'that was not described before')
        return self.interfaces[number]

    def packet(self, body):
        number, high, low, caplen, length = self.unpack('IIIII', body)
        interface = self.of_interface(number)
        need(caplen <= length, 'more captured than there was')
        need(not interface['snaplen'] or caplen <= interface['snaplen'], 'more captured than the snap length')
        data, at = padded(body, 20, caplen)
        return {'block': 'packet', 'interface': number, 'time': high << 32 | low, 'caplen': caplen, 'len': length,
                'data': data.hex(), **options(body[at:], self.order, PACKET_OPTIONS)}

    def simple_packet(self, body):
        (length,) = self.unpack('I', body)
        interface = self.of_interface(0)
        caplen = min(length, interface['snaplen'] or length)
        data, at = padded(body, 4, caplen)
        need(at == len(body), 'something behind a simple packet')
        return {'block': 'simple packet', 'interface': 0, 'caplen': caplen, 'len': length, 'data': data.hex()}

    def names(self, body):
        records, at = [], 0
        while True:
            kind, n = self.unpack('HH', body, at)
            value, at = padded(body, at + 4, n)
            if kind == 0:
                need(n == 0, 'an end of records with a length')
                break
            size = {1: 4, 2: 16, 3: 6, 4: 8}.get(kind)
            need(size, 'a record of the unknown kind', kind)
            need(n > size and value.endswith(b'\0'), 'a record without a name')
            records.append({'address': value[:size].hex(),
                            'names': [text(v, self.order) for v in value[size:-1].split(b'\0')]})
        return {'block': 'names', 'records': records, **options(body[at:], self.order, NAME_OPTIONS)}

    def statistics(self, body):
        number, high, low = self.unpack('III', body)
        self.of_interface(number)
        row = {'block': 'statistics', 'interface': number, 'time': high << 32 | low,
               **options(body[12:], self.order, STATISTICS_OPTIONS)}
        need(row.get('starttime', 0) <= row.get('endtime', row['time']), 'an end before the start')
        return row

    def secrets(self, body):
        kind, n = self.unpack('II', body)
        data, at = padded(body, 8, n)
        return {'block': 'secrets', 'type': kind, 'data': data.hex(), **options(body[at:], self.order, {})}

    def journal(self, body):
        return {'block': 'journal', 'entry': text(body.rstrip(b'\0'), self.order)}

    def custom(self, body, copied):
        (pen,) = self.unpack('I', body)
        if pen == WIRESHARK and len(body) >= 12 and struct.unpack_from('<I', body, 4)[0] == 3:
            return self.process(body, copied)
        return {'block': 'custom', 'pen': pen, 'copied': copied, 'data': body[4:].hex()}

    def process(self, body, copied):
        """An entry is little-endian in every file; the options behind it are the block's and are not."""
        (n,) = struct.unpack_from('<I', body, 8)
        entry, at = padded(body, 12, n)
        need(n >= 4, 'a process without a number')
        need(copied, 'a process that may not be copied')
        return {'block': 'process', 'pid': struct.unpack_from('<I', entry)[0],
                **options(entry[4:], '<', PROCESS_OPTIONS), **options(body[at:], self.order, {})}

    def block(self, kind, body):
        if kind == SECTION:
            return self.section(body)
        readers = {1: self.interface, 3: self.simple_packet, 4: self.names, 5: self.statistics, 6: self.packet,
                   9: self.journal, 10: self.secrets}
        if kind in (CUSTOM, CUSTOM_PRIVATE):
            return self.custom(body, kind == CUSTOM)
        need(kind in readers, 'the unknown block', hex(kind))
        return readers[kind](body)

    def next(self, data, at):
        """The block at a place, and where it ends; None if the file ends first."""
        if len(data) - at < 12:
            return None, at
        (kind,) = struct.unpack_from('<I', data, at)
        if kind == SECTION:
            self.order = {b'\x4d\x3c\x2b\x1a': '<', b'\x1a\x2b\x3c\x4d': '>'}.get(data[at + 8:at + 12])
        need(self.order, 'no section, or one in no byte order')
        kind, length = struct.unpack_from(self.order + 'II', data, at)
        need(length % 4 == 0 and length >= 12, 'a block of the length', length)
        if length > len(data) - at:
            return None, at
        body = data[at + 8:at + length - 4]
        (again,) = struct.unpack_from(self.order + 'I', data, at + length - 4)
        need(again == length, 'a block of two lengths:', length, again)
        return self.block(kind, body), at + length


def read(data):
    """Yields the blocks; the last thing is the number of bytes behind the last whole block."""
    reader, at = Reader(), 0
    while True:
        try:
            row, end = reader.next(data, at)
        except Bad as e:
            raise Bad(f'at byte {at}: {e}') from e
        if row is None:
            yield len(data) - at
            return
        yield {'at': at, **row}
        at = end


def main():
    args = sys.argv[1:]
    cut = args[:1] == ['--cut']
    if len(args) - cut != 1:
        sys.exit(__doc__)
    name = args[-1]
    with sys.stdin.buffer if name == '-' else open(name, 'rb') as f:
        data = f.read()
    try:
        need(data or cut, 'an empty file')
        for row in read(data):
            if isinstance(row, dict):
                print(json.dumps(row))
            elif row and not cut:
                raise Bad(f'{row} bytes behind the last block')
    except Bad as e:
        sys.exit(f'pcapng_read: {name}: {e}')


if __name__ == '__main__':
    main()
