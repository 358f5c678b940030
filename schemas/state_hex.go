package schemas

import (
	"encoding/binary"
	"unsafe"
)

const (
	idSize     = 16
	uuidSize   = 36
	digestSize = 2 * idSize
)

// Eight hexadecimal digits are handled at once, as the bytes of a word: half of
// what a state costs is its ids.
const (
	ones    = 0x0101010101010101
	nibbles = 0x0f * ones
	// fromTen is what digits from ten on are above the others: 'a' - '0' - 10.
	fromTen = 'a' - '0' - 10
)

// parse8 returns the four bytes that eight lower-case digits stand for.
func parse8(digits uint64) (value uint32, ok bool) {
	letters := digits >> 6 & ones
	n := digits&nibbles + letters*9
	n, ok = n&nibbles, n&^nibbles == 0
	ok = ok && digits == format(n)
	n = (n<<4 | n>>8) & 0x00ff00ff00ff00ff
	n = (n | n>>8) & 0x0000ffff0000ffff
	return uint32(n | n>>16), ok
}

// format8 is the reverse of parse8.
func format8(value uint32) uint64 {
	n := uint64(value)
	n = (n | n<<16) & 0x0000ffff0000ffff
	n = (n | n<<8) & 0x00ff00ff00ff00ff
	return format((n>>4 | n<<8) & nibbles)
}

// format returns the digits of eight values below sixteen.
func format(n uint64) uint64 {
	const sixBelow = (1<<7 - 10) * ones // carries into the top bit from ten on
	letters := (n + sixBelow) >> 7 & ones
	return n + '0'*ones + letters*fromTen
}

// parseUUID reads 36 bytes in the form of RFC 9562, lower case.
func parseUUID(id *[idSize]byte, text string) bool {
	t := (*[uuidSize]byte)(unsafe.Slice(unsafe.StringData(text), len(text)))
	if t[8] != '-' || t[13] != '-' || t[18] != '-' || t[23] != '-' {
		return false
	}
	le := binary.LittleEndian
	two := func(a, b []byte) uint64 { return uint64(le.Uint32(a)) | uint64(le.Uint32(b))<<32 }
	return parseGroups(id, le.Uint64(t[0:]), two(t[9:], t[14:]), two(t[19:], t[24:]), le.Uint64(t[28:]))
}

// parseDigest reads 32 lower-case digits.
func parseDigest(id *[idSize]byte, text string) bool {
	t := (*[digestSize]byte)(unsafe.Slice(unsafe.StringData(text), len(text)))
	le := binary.LittleEndian
	return parseGroups(id, le.Uint64(t[0:]), le.Uint64(t[8:]), le.Uint64(t[16:]), le.Uint64(t[24:]))
}

func parseGroups(id *[idSize]byte, a, b, c, d uint64) bool {
	v0, ok0 := parse8(a)
	v1, ok1 := parse8(b)
	v2, ok2 := parse8(c)
	v3, ok3 := parse8(d)
	le := binary.LittleEndian
	le.PutUint32(id[0:], v0)
	le.PutUint32(id[4:], v1)
	le.PutUint32(id[8:], v2)
	le.PutUint32(id[12:], v3)
	return ok0 && ok1 && ok2 && ok3
}

// formatDigits is the reverse of parseDigest.
func formatDigits(digits *[digestSize]byte, id []byte) {
	for i := range idSize / 4 {
		binary.LittleEndian.PutUint64(digits[8*i:], format8(binary.LittleEndian.Uint32(id[4*i:])))
	}
}

func appendUUID(dst, id []byte) []byte {
	dst = append(dst, "00000000-0000-0000-0000-000000000000"...)
	t := dst[len(dst)-uuidSize:]
	le := binary.LittleEndian
	le.PutUint64(t[0:], format8(le.Uint32(id[0:])))
	b, c := format8(le.Uint32(id[4:])), format8(le.Uint32(id[8:]))
	le.PutUint32(t[9:], uint32(b))
	le.PutUint32(t[14:], uint32(b>>32))
	le.PutUint32(t[19:], uint32(c))
	le.PutUint32(t[24:], uint32(c>>32))
	le.PutUint64(t[28:], format8(le.Uint32(id[12:])))
	return dst
}
