// Package config reads Keyholder's configuration file, judges it and writes a first one.
package config
