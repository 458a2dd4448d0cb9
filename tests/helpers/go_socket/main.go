// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// go_socket makes sockets by Go's own network code, sends a packet of each to a foreign address where its
// kind can, and prints "go KIND DEVICE" for each ("-": no device); then "ready", and keeps the sockets until
// its standard input ends.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"unsafe"
)

var kept []any

func device(c syscall.RawConn) string {
	name := make([]byte, 16)
	size := uint32(len(name))
	c.Control(func(fd uintptr) {
		syscall.Syscall6(syscall.SYS_GETSOCKOPT, fd, syscall.SOL_SOCKET, syscall.SO_BINDTODEVICE,
			uintptr(unsafe.Pointer(&name[0])), uintptr(unsafe.Pointer(&size)), 0)
	})
	if size == 0 {
		return "-"
	}
	return strings.TrimRight(string(name[:size]), "\x00")
}

func keep(kind string, s syscall.Conn, err error) {
	if err != nil {
		fmt.Println("go", kind, err)
		return
	}
	c, _ := s.SyscallConn()
	fmt.Println("go", kind, device(c))
	kept = append(kept, s)
}

func listen(kind, address string) {
	l, err := net.Listen(kind, address)
	if err != nil {
		fmt.Println("go listener", kind, err)
		return
	}
	keep("listener-"+kind, l.(*net.TCPListener), nil)
}

func receive(kind, address string) {
	c, err := net.ListenPacket(kind, address)
	if err != nil {
		fmt.Println("go", kind, err)
		return
	}
	keep(kind+"-bound", c.(*net.UDPConn), nil)
}

func send(kind, address string, data []byte) {
	c, err := net.Dial(kind, address)
	if err != nil {
		fmt.Println("go", kind, err)
		return
	}
	c.Write(data)
	keep(kind, c.(syscall.Conn), nil)
}

// The connect that nobody answers goes on in a thread of its own.
func connect(kind, address string) {
	told := make(chan string)
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		told <- device(c)
		return nil
	}}
	go d.DialContext(context.Background(), kind, address)
	fmt.Println("go", kind, <-told)
}

func main() {
	connect("tcp4", "192.0.2.1:9")
	connect("tcp6", "[2001:db8::1]:9")
	listen("tcp4", ":0")
	listen("tcp6", ":0")
	receive("udp4", ":0")
	receive("udp6", ":0")
	send("udp4", "192.0.2.1:9", []byte("x"))
	send("udp6", "[2001:db8::1]:9", []byte("x"))
	send("ip4:icmp", "192.0.2.1", []byte{8, 0, 0xf7, 0xff, 0, 0, 0, 0})
	send("ip6:ipv6-icmp", "2001:db8::1", []byte{128, 0, 0, 0, 0, 0, 0, 0})
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}
