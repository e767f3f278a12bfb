// The application under load: it answers with its version, slowly, in streams and over websockets where it is asked to.
package main

import (
	"bufio"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var version = os.Getenv("VERSION")

// What the health path answers: `ok`, `never`, `redirect`, or a status.
var health = os.Getenv("HEALTH")

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, version) })
	mux.HandleFunc("/up", up)
	mux.HandleFunc("/healthz", up)
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		count, err := io.Copy(sum, r.Body)
		if err != nil {
			w.WriteHeader(400)
		}
		fmt.Fprintf(w, "%s %d %x\n", version, count, sum.Sum(nil))
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(seconds(r))
		fmt.Fprintln(w, version)
	})
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("content-type", "text/event-stream")
		for end := time.Now().Add(seconds(r)); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			fmt.Fprintf(w, "data: %s\n\n", version)
			w.(http.Flusher).Flush()
		}
		fmt.Fprint(w, "data: end\n\n")
	})
	mux.HandleFunc("/ws", websocket)
	if delay, err := strconv.Atoi(os.Getenv("START_DELAY")); err == nil {
		time.Sleep(time.Duration(delay) * time.Second)
	}
	server := &http.Server{Handler: mux}
	for _, port := range strings.Split(or(os.Getenv("PORTS"), "80"), ",") {
		listener, err := net.Listen("tcp", ":"+port)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		go server.Serve(listener)
	}
	for _, port := range strings.Fields(os.Getenv("UDP_PORTS")) {
		socket, err := net.ListenPacket("udp", ":"+port)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		go answer(socket)
	}
	if after, err := strconv.Atoi(os.Getenv("DIE_AFTER")); err == nil {
		time.AfterFunc(time.Duration(after)*time.Second, func() { os.Exit(3) })
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	for range stop {
		if os.Getenv("IGNORE_TERM") == "" {
			break
		}
	}
	patience, cancel := context.WithTimeout(context.Background(), 25*time.Second)
	defer cancel()
	server.Shutdown(patience)
}

// Says its version to whoever sends anything.
func answer(socket net.PacketConn) {
	for packet := make([]byte, 1500); ; {
		_, from, err := socket.ReadFrom(packet)
		if err != nil {
			return
		}
		socket.WriteTo([]byte("udp-"+version), from)
	}
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func seconds(r *http.Request) time.Duration {
	count, _ := strconv.ParseFloat(r.URL.Query().Get("seconds"), 64)
	return time.Duration(count * float64(time.Second))
}

func up(w http.ResponseWriter, r *http.Request) {
	switch {
	case health == "" || health == "ok":
		fmt.Fprintln(w, "ok")
	case health == "never":
		time.Sleep(time.Hour)
	case health == "redirect":
		http.Redirect(w, r, "/login", http.StatusMovedPermanently)
	default:
		status, _ := strconv.Atoi(health)
		w.WriteHeader(status)
		fmt.Fprintln(w, "not well")
	}
}

// Says its version, then every text back with its version before it. Source: RFC 6455, short unfragmented frames only.
func websocket(w http.ResponseWriter, r *http.Request) {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	conn, buffer, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprintf(buffer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
	send(buffer.Writer, "hello "+version)
	for {
		text, err := receive(buffer.Reader)
		if err != nil {
			return
		}
		send(buffer.Writer, version+" "+text)
	}
}

func send(w *bufio.Writer, text string) {
	w.Write([]byte{0x81, byte(len(text))})
	w.WriteString(text)
	w.Flush()
}

func receive(r *bufio.Reader) (string, error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil {
		return "", err
	}
	length := int(head[1] & 0x7f)
	if length == 126 {
		long := make([]byte, 2)
		if _, err := io.ReadFull(r, long); err != nil {
			return "", err
		}
		length = int(binary.BigEndian.Uint16(long))
	}
	mask := make([]byte, 4)
	body := make([]byte, length)
	if _, err := io.ReadFull(r, mask); err != nil {
		return "", err
	}
	if _, err := io.ReadFull(r, body); err != nil {
		return "", err
	}
	for i := range body {
		body[i] ^= mask[i%4]
	}
	if head[0]&0x0f == 8 {
		return "", io.EOF
	}
	return string(body), nil
}
