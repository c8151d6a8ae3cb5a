/* The floor: a filter that looks at nothing and answers "continue". */
#include "filter.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: noop_filter unix:PATH|inet:PORT@ADDRESS\n");
        return 2;
    }
    filter_serve(argv[1], NULL);
    return 4;
}
