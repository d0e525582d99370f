package stepup

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
)

// sealedFor derives the key that seals secrets from one that seals records, which is for something else.
const sealedFor = "keyholder one-time codes 1"

// box is the cipher of one seal key: AES-256 in GCM, the key by HKDF (RFC 5869), the nonce random and in front.
func box(key []byte) (cipher.AEAD, error) {
	own, err := hkdf.Key(sha256.New, key, nil, sealedFor, 32)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	block, err := aes.NewCipher(own)
	if err != nil {
		return nil, fmt.Errorf("make a cipher: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// errNoKey: KEYHOLDER_SEAL_KEY is not set, and the configuration was taken all the same.
var errNoKey = errors.New("seal a secret: there is no key")

// seal closes a secret with the first key, for what it is bound to.
func (c *Codes) seal(secret, bound string) (string, error) {
	if len(c.o.Keys) == 0 {
		return "", errNoKey
	}
	aead, err := box(c.o.Keys[0])
	if err != nil {
		return "", err
	}
	return boxed.EncodeToString(aead.Seal(nil, nil, []byte(secret), []byte(bound))), nil
}

// open tries each key.
func (c *Codes) open(sealed, bound string) (string, error) {
	for _, key := range c.o.Keys {
		if secret, err := unbox(key, sealed, bound); err == nil {
			return secret, nil
		}
	}
	return "", ErrUnsealed
}

func unbox(key []byte, sealed, bound string) (string, error) {
	raw, err := boxed.DecodeString(sealed)
	if err != nil {
		return "", fmt.Errorf("open a secret: %w", err)
	}
	aead, err := box(key)
	if err != nil {
		return "", err
	}
	secret, err := aead.Open(nil, nil, raw, []byte(bound))
	return string(secret), err
}
