package workflows

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// WordHash is what a drill's word is compared with. The word itself is kept nowhere but in the
// letter, and is useless once the drill is over.
type WordHash struct {
	Salt   string `json:"salt"` // hexadecimal, 16 random bytes
	Rounds int    `json:"rounds"`
	Hash   string `json:"hash"` // hexadecimal
}

// wordRounds makes guessing a word from its hash slow: some ten milliseconds a try.
const wordRounds = 50_000

// MakeWordHash hashes a word for the holder it was sent to, with a salt of the caller's (16 random
// bytes).
func MakeWordHash(holder, word string, salt []byte) WordHash {
	return WordHash{Salt: hex.EncodeToString(salt), Rounds: wordRounds, Hash: hashWord(holder, word, salt, wordRounds)}
}

// Holds reports whether a word that somebody typed is the one that was sent to this holder: upper
// and lower case, spaces and full stops aside.
func (h WordHash) Holds(holder, typed string) bool {
	salt, err := hex.DecodeString(h.Salt)
	if err != nil || len(salt) == 0 || h.Rounds < 1 || h.Rounds > 10*wordRounds || plainWord(typed) == "" {
		return false
	}
	return hmac.Equal([]byte(hashWord(holder, typed, salt, h.Rounds)), []byte(h.Hash))
}

func plainWord(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(s))
}

func hashWord(holder, word string, salt []byte, rounds int) string {
	key, err := pbkdf2.Key(sha256.New, plainWord(word), append([]byte(holder+"/"), salt...), rounds, sha256.Size)
	if err != nil {
		panic("workflows: a word cannot be hashed: " + err.Error())
	}
	return hex.EncodeToString(key)
}
