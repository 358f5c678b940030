package schemas

import "encoding/binary"

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
	if text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return false
	}
	var digits [digestSize]byte
	copy(digits[0:8], text[0:8])
	copy(digits[8:12], text[9:13])
	copy(digits[12:16], text[14:18])
	copy(digits[16:20], text[19:23])
	copy(digits[20:32], text[24:36])
	return parseDigits(id, &digits)
}

// parseDigest reads 32 lower-case digits.
func parseDigest(id *[idSize]byte, text string) bool {
	return parseDigits(id, (*[digestSize]byte)([]byte(text)))
}

func parseDigits(id *[idSize]byte, digits *[digestSize]byte) bool {
	all := true
	for i := range idSize / 4 {
		value, ok := parse8(binary.LittleEndian.Uint64(digits[8*i:]))
		binary.LittleEndian.PutUint32(id[4*i:], value)
		all = all && ok
	}
	return all
}

// formatDigits is the reverse of parseDigits.
func formatDigits(digits *[digestSize]byte, id []byte) {
	for i := range idSize / 4 {
		binary.LittleEndian.PutUint64(digits[8*i:], format8(binary.LittleEndian.Uint32(id[4*i:])))
	}
}

func appendUUID(dst, id []byte) []byte {
	var digits [digestSize]byte
	formatDigits(&digits, id)
	var text [uuidSize]byte
	copy(text[0:8], digits[0:8])
	copy(text[9:13], digits[8:12])
	copy(text[14:18], digits[12:16])
	copy(text[19:23], digits[16:20])
	copy(text[24:36], digits[20:32])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return append(dst, text[:]...)
}
