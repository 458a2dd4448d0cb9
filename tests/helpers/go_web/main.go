// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// go_web is a web server as Go makes it, on Multipath TCP, and its client.
//
//	go_web listen ADDRESS:PORT    prints "ready PROTOCOL" (IPPROTO_MPTCP is 262), then serves "hello"
//	go_web get URL                prints what it gets
//
// From Go 1.24 on net.Listen takes Multipath TCP; from 1.21 on with GODEBUG=multipathtcp=2. Before, the listener is made
// here in the same way.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

const (
	ipprotoMPTCP = 262
	soProtocol   = 38
)

func try(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "go_web:", err)
		os.Exit(1)
	}
}

func protocol(l net.Listener) (number int) {
	c, err := l.(*net.TCPListener).SyscallConn()
	try(err)
	try(c.Control(func(fd uintptr) {
		number, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, soProtocol)
	}))
	try(err)
	return number
}

func multipath(address string) net.Listener {
	at, err := net.ResolveTCPAddr("tcp", address)
	try(err)
	var to syscall.Sockaddr
	family := syscall.AF_INET6
	if v4 := at.IP.To4(); v4 != nil {
		to4 := &syscall.SockaddrInet4{Port: at.Port}
		copy(to4.Addr[:], v4)
		family, to = syscall.AF_INET, to4
	} else {
		to6 := &syscall.SockaddrInet6{Port: at.Port}
		copy(to6.Addr[:], at.IP)
		to = to6
	}
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, ipprotoMPTCP)
	try(err)
	try(syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1))
	try(syscall.Bind(fd, to))
	try(syscall.Listen(fd, syscall.SOMAXCONN))
	file := os.NewFile(uintptr(fd), "listener")
	defer file.Close()
	l, err := net.FileListener(file)
	try(err)
	return l
}

func listen(address string) {
	l, err := net.Listen("tcp", address)
	try(err)
	if protocol(l) != ipprotoMPTCP {
		l.Close()
		l = multipath(address)
	}
	fmt.Println("ready", protocol(l))
	try(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "hello\n")
	})))
}

func get(url string) {
	client := http.Client{Timeout: 5 * time.Second}
	r, err := client.Get(url)
	try(err)
	_, err = io.Copy(os.Stdout, r.Body)
	try(err)
}

func main() {
	if len(os.Args) != 3 {
		os.Exit(2)
	}
	map[string]func(string){"listen": listen, "get": get}[os.Args[1]](os.Args[2])
}
