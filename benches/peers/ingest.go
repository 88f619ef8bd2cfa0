// Ingest as a script does it: the whole file in memory, 500 records a chunk, one multipart request after another.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"mime/multipart"
	"net/http"
	"os"
)

func main() {
	text, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	var records []json.RawMessage
	if err := json.Unmarshal(text, &records); err != nil {
		log.Fatal(err)
	}
	for first := 0; first < len(records); first += 500 {
		chunk := records[first:min(first+500, len(records))]
		if err := send(os.Args[1], chunk); err != nil {
			log.Fatal(err)
		}
	}
}

func min(one, other int) int {
	if one < other {
		return one
	}
	return other
}

func send(url string, chunk []json.RawMessage) error {
	array, err := json.Marshal(chunk)
	if err != nil {
		return err
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormField("data")
	if err != nil {
		return err
	}
	if _, err := part.Write(array); err != nil {
		return err
	}
	if err := form.Close(); err != nil {
		return err
	}
	request, err := http.NewRequest("POST", url+"/api/v2/analytics/dataactions/ingest", &body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	request.Header.Set("Authorization", "Bearer sink")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		return fmt.Errorf("status %d", answer.StatusCode)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}
